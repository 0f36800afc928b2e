"""Where the repository names container images, and whether by the lock's digest; nothing is looked up here.

A reference by digest is written `name:tag@$VARIABLE`, in the way of its file (`${VARIABLE}`, `${VARIABLE:?words}` or
the output of a workflow's step). The variable is the name in capitals, so that another tag is another variable, and a
digest can never stand behind a tag that it was not looked up for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PLACES = ("docker/Dockerfile*", "docker/*.y*ml", ".github/workflows/*.y*ml")
OURS = "z-gpt"
NAME = r"[a-z0-9][\w.-]*(?::\d+(?=/))?(?:/[\w.-]+)*:\w[\w.-]*"
VALUE = r"\$(?:\{\{ steps\.images\.outputs\.(\w+) \}\}|\{(\w+)(?::\?[^}]*)?\}|(\w+))"
BY_DIGEST = re.compile(rf"(?<![\w./:-])({NAME})@{VALUE}(?!\w)")
# Where the next word is an image: stages and their sources, the frontend of a Dockerfile, keys of YAML, actions.
NAMED = re.compile(
    r"""^[ ]*(?i:FROM)[ ]+(?:--\S+[ ]+)*(\S+)(?:[ ]+(?i:AS)[ ]+\S+)?[ ]*$|\bfrom=([^,\s]+)|^\#[ ]*syntax=(\S+)"""
    r"""|(?:^|[{,])[ -]*["']?(?:image|image-ref|container)["']?:[ ]+["']?([^\s"'&{][^\n"']*)|\bdocker://(\S+)""",
    re.MULTILINE,
)
STAGE = re.compile(r"^ *FROM .* AS (\S+)", re.MULTILINE | re.IGNORECASE)
COMMAND = re.compile(r"\b(?:docker|podman)(?: container| image)? (?:run|pull|create)\b[^\n]*")
OWN = re.compile(rf"(?<![\w./-]){OURS}(?:$|[\s:\"'])")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the lock has to know: ``name`` is `name:tag`, ``variable`` what its digest is called."""

    name: str
    variable: str


def variable_of(name: str) -> str:
    """What the digest of `name:tag` is called: `prom/prometheus:v3.8.0` gives PROM_PROMETHEUS_V3_8_0."""
    return re.sub(r"\W", "_", name).upper()


def images(root: Path) -> list[Image]:
    """Every image that the files below ``root`` name by digest, each once, by name."""
    found = {name for _, text in files(root) for name, _, _ in _by_digest(text)}
    return [Image(name, variable_of(name)) for name in sorted(found)]


def strays(root: Path) -> list[str]:
    """What is named in another way than by the lock's digest, as `file:line: words`."""
    known = {image.name.rpartition(":")[0] for image in images(root)}
    return [f"{name}:{line}: {words}" for name, text in files(root) for line, words in strays_in(text, known)]


def files(root: Path) -> Iterator[tuple[str, str]]:
    """Path from ``root`` and text of each file in which images are named."""
    for place in PLACES:
        for path in sorted(root.glob(place)):
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def strays_in(text: str, known: set[str]) -> list[tuple[int, str]]:
    """Line and words for each reference in ``text`` that is not by digest; ``known`` are names without their tags."""
    # A command that goes on in the next line is one line, and every character stays where it was.
    joined = text.replace("\\\n", "  ")
    found = [*_wrong_variables(joined), *_named(joined), *_bare(joined, known), *_started(joined)]
    return sorted({(text.count("\n", 0, at) + 1, words) for at, words in found})


def _by_digest(text: str) -> Iterator[tuple[str, str, int]]:
    for found in BY_DIGEST.finditer(text):
        yield found[1], found[2] or found[3] or found[4], found.start()


def _wrong_variables(text: str) -> Iterator[tuple[int, str]]:
    for name, variable, at in _by_digest(text):
        if variable != variable_of(name):
            yield at, f"the digest of {name} is called {variable_of(name)}, not {variable}"


def _named(text: str) -> Iterator[tuple[int, str]]:
    stages = {"scratch", *STAGE.findall(text)}
    for found in NAMED.finditer(text):
        name = next(group for group in found.groups() if group)
        if name not in stages and not OWN.match(name) and not BY_DIGEST.match(name):
            yield found.start(), f"{name} is not named by the lock's digest"


def _bare(text: str, known: set[str]) -> Iterator[tuple[int, str]]:
    """A known image with any tag and no digest behind it, wherever it stands."""
    for name in known:
        for found in re.finditer(rf"(?<![\w./-]){re.escape(name)}:\w[\w.-]*(?![\w.@-])", text):
            yield found.start(), f"{found[0]} is not named by the lock's digest"


def _started(text: str) -> Iterator[tuple[int, str]]:
    for found in COMMAND.finditer(text):
        if not BY_DIGEST.search(found[0]) and not OWN.search(found[0]):
            yield found.start(), f"{' '.join(found[0].split())} names no image by the lock's digest"
