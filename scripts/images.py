"""Holds each container image to its digest in docker/images.lock: `images.py lock [--upgrade]` and `images.py run …`.

The lock is an env file, `VARIABLE=sha256:…`, which compose reads as it is. Which images there are is in image_names.py.
A look-up that fails, or dies half way, leaves the lock as it was; one that is missing, broken or too short starts
nothing.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from image_names import Image, images, strays
from steps import ROOT, StepError, say

LOCK = ROOT / "docker" / "images.lock"
SHOWN = "docker/images.lock"
HEAD = "# The images that we build on and start, by digest, as `make images-lock` found them. Commit this file.\n"
LINE = re.compile(r"([A-Z0-9_]+)=(sha256:[0-9a-f]{64})")
# A registry that has not answered after a minute will not.
LOOKUP_TIMEOUT_S = 60.0
MAKE = "Run: make images-lock"
DOCKER = "This needs Docker with buildx, and the network."
USAGE = "usage: images.py lock [--upgrade] | images.py run COMMAND…"


def main(argv: list[str]) -> int:
    """Write the lock, or check it and become the command with the lock's digests in its environment."""
    try:
        match argv:
            case ["lock"] | ["lock", "--upgrade"]:
                lock(upgrade=len(argv) > 1)
            case ["run", program, *_]:
                _become(program, argv[1:])
            case _:
                say(USAGE)
                return 2
    except StepError as error:
        say(str(error))
        return 1
    return 0


def lock(*, upgrade: bool) -> None:
    """Look up what the lock lacks, or everything anew, and drop what nobody names any more."""
    wanted = _wanted()
    kept = {} if upgrade or not LOCK.exists() else digests(LOCK.read_text(encoding="utf-8"))
    found = {image: kept.get(image.variable) or look_up(image.name) for image in wanted}
    lines = [f"# {image.name}\n{image.variable}={digest}\n" for image, digest in found.items()]
    _replace(LOCK, HEAD + "".join(lines))
    say(f"✓ {SHOWN}: {len(found)} images")


def checked() -> dict[str, str]:
    """Digests by variable, of a lock that knows every image; StepError, with all that is wrong, for any other."""
    wanted = _wanted()
    if not LOCK.exists():
        raise StepError(f"{SHOWN} is missing. {MAKE}")
    found = digests(LOCK.read_text(encoding="utf-8"))
    if missing := [image.name for image in wanted if image.variable not in found]:
        raise StepError(f"{SHOWN} has no digest for {', '.join(missing)}. {MAKE}")
    return found


def digests(text: str) -> dict[str, str]:
    """Digests by variable, from the text of a lock; StepError names the first line that is none."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = LINE.fullmatch(line)
        if not parts:
            raise StepError(f"{SHOWN}:{number}: not NAME=sha256:<64 hex digits>: {line[:100]}")
        if parts[1] in found:
            raise StepError(f"{SHOWN}:{number}: {parts[1]} stands here for the second time")
        found[parts[1]] = parts[2]
    return found


def look_up(name: str) -> str:
    """The digest that a tag has at its registry, of the index where there is one for each platform."""
    argv = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", name]
    try:
        done = subprocess.run(  # nosec B603 # words of our own, and no shell
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LOOKUP_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepError(f"{name}: {error}\n{DOCKER}") from error
    if done.returncode != 0:
        raise StepError(f"{name}: {done.stderr.strip()}\n{DOCKER}")
    return _digest(name, done.stdout)


def _digest(name: str, answer: str) -> str:
    try:
        digest = str(json.loads(answer)["digest"])
    except (ValueError, KeyError, TypeError):
        raise StepError(f"{name}: docker gave no digest but {answer[:100]!r}") from None
    if not LINE.fullmatch(f"_={digest}"):
        raise StepError(f"{name}: docker gave no sha256 digest but {digest[:100]!r}")
    return digest


def _wanted() -> list[Image]:
    if wrong := strays(ROOT):
        raise StepError("\n".join(wrong))
    wanted = images(ROOT)
    if len({image.variable for image in wanted}) < len(wanted):
        raise StepError(f"two images share a variable: {', '.join(image.name for image in wanted)}")
    return wanted


def _become(program: str, argv: list[str]) -> None:
    env = {**os.environ, **checked()}
    try:
        os.execvpe(program, argv, env)  # nosec B606 # what the person who calls us wants to run
    except OSError as error:
        raise StepError(f"{program} does not run: {error}") from error


def _replace(path: Path, text: str) -> None:
    """Write all of it or nothing."""
    half = path.with_suffix(".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
