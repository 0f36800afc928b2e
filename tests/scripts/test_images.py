"""The lock of container images: looked up once, kept until asked, and nothing starts without it.

The script runs as a person runs it, in a small repository of its own. Only the container client is a double: it answers
in the form of `docker buildx imagetools inspect --format '{{json .Manifest}}'` (buildx 0.36).
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import images
from steps import StepError
from tests.support.tree import ROOT

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DOCKERFILE = "ARG PYTHON_3=run-make-images-lock\nFROM python:3@${PYTHON_3} AS build\nFROM python:3@${PYTHON_3}\n"
COMPOSE = "services:\n  db:\n    image: postgres:18@${POSTGRES_18:?run make images-lock}\n"
ASKED = "buildx imagetools inspect --format {{json .Manifest}}"
CLIENT = f"""#!/bin/sh
echo "$*" >> asked
case "$*" in "{ASKED} "*) ;; *) echo "unknown: $*" >&2; exit 2 ;; esac
echo "WARNING: what a client says beside its answer" >&2
cat "answer-$(echo "$6" | tr -c 'a-z0-9\\n' '-')"
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """A repository with two images, and what its registry answers."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "docker" / "images.lock"

    def answers(self, name: str, digest: str) -> None:
        manifest = f'{{\n  "schemaVersion": 2,\n  "digest": "{digest}",\n  "size": 491,\n  "manifests": []\n}}'
        (self.root / f"answer-{name}").write_text(manifest)

    def asked(self) -> list[str]:
        said = self.root / "asked"
        return [line.rpartition(" ")[2] for line in said.read_text().splitlines()] if said.exists() else []

    def run(self, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PATH": path or f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        argv = [sys.executable, "scripts/images.py", *words]
        return subprocess.run(argv, cwd=self.root, env=env, capture_output=True, text=True, timeout=30, check=False)

    def printed(self, variable: str) -> subprocess.CompletedProcess[str]:
        """What a program that the script starts finds in its environment."""
        return self.run("run", sys.executable, "-c", f"import os; print(os.environ[{variable!r}])")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for folder in ("scripts", "docker"):
        (tmp_path / folder).mkdir()
    for script in ("images.py", "image_names.py", "steps.py"):
        shutil.copy(ROOT / "scripts" / script, tmp_path / "scripts")
    (tmp_path / "docker" / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "docker" / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(CLIENT)
    (tmp_path / "bin" / "docker").chmod(0o755)
    made = Tree(tmp_path)
    made.answers("python-3", OLD)
    made.answers("postgres-18", OLD)
    return made


def test_the_lock_holds_the_digest_of_each_image_under_its_name_and_tag(tree: Tree) -> None:
    tree.answers("postgres-18", NEW)

    assert tree.run("lock").returncode == 0
    assert tree.lock.read_text().splitlines()[1:] == [
        "# postgres:18",
        f"POSTGRES_18={NEW}",
        "# python:3",
        f"PYTHON_3={OLD}",
    ]


def test_a_tag_that_was_moved_changes_nothing_until_it_is_asked_for(tree: Tree) -> None:
    tree.run("lock")
    tree.answers("python-3", NEW)
    tree.run("lock")
    kept = tree.printed("PYTHON_3").stdout
    tree.run("lock", "--upgrade")

    assert (kept, tree.printed("PYTHON_3").stdout) == (f"{OLD}\n", f"{NEW}\n")


def test_what_is_locked_is_not_asked_for_again(tree: Tree) -> None:
    tree.run("lock")
    (tree.root / "docker" / "compose.yaml").write_text(COMPOSE.replace("18", "19"))
    tree.answers("postgres-19", NEW)
    tree.run("lock")

    assert tree.asked() == ["postgres:18", "python:3", "postgres:19"]
    assert "POSTGRES_18" not in tree.lock.read_text()


def test_a_digest_of_the_environment_does_not_stand_in_for_the_locks(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.run("lock")
    monkeypatch.setenv("PYTHON_3", NEW)

    assert tree.printed("PYTHON_3").stdout == f"{OLD}\n"


def test_a_program_that_is_run_gives_its_own_exit_status(tree: Tree) -> None:
    tree.run("lock")

    assert tree.run("run", "sh", "-c", "exit 7").returncode == 7


def _refused(done: subprocess.CompletedProcess[str], *words: str) -> bool:
    return done.returncode == 1 and not done.stderr and all(word in done.stdout for word in words)


def test_nothing_is_started_without_a_lock(tree: Tree) -> None:
    assert _refused(tree.run("run", "touch", "started"), "docker/images.lock is missing. Run: make images-lock")
    assert not (tree.root / "started").exists()


def test_nothing_is_started_by_a_lock_that_misses_an_image(tree: Tree) -> None:
    tree.run("lock")
    (tree.root / "docker" / "compose.yaml").write_text(COMPOSE.replace("18", "19"))

    assert _refused(tree.run("run", "touch", "started"), "no digest for postgres:19. Run: make images-lock")
    assert not (tree.root / "started").exists()


@pytest.mark.parametrize(
    "digest",
    ["", "latest", "a" * 64, OLD[:-1], OLD.replace("a", "A"), OLD.replace("a", "g"), f"sha512:{'a' * 128}", f"{OLD} "],
)
def test_a_malformed_digest_is_refused_by_its_line(tree: Tree, digest: str) -> None:
    tree.lock.write_text(f"# head\nPOSTGRES_18={OLD}\nPYTHON_3={digest}\n")

    assert _refused(tree.run("run", "touch", "started"), "docker/images.lock:3: not NAME=sha256:", digest[:64])
    assert not (tree.root / "started").exists()


def test_a_second_digest_for_one_image_is_refused_by_its_line(tree: Tree) -> None:
    tree.lock.write_text(f"POSTGRES_18={OLD}\nPYTHON_3={OLD}\nPYTHON_3={NEW}\n")

    assert _refused(tree.run("run", "true"), "docker/images.lock:3: PYTHON_3 stands here for the second time")


@pytest.mark.parametrize("words", [("run", "touch", "started"), ("lock",)])
def test_a_reference_by_tag_is_refused_by_its_line(tree: Tree, words: tuple[str, ...]) -> None:
    tree.run("lock")
    (tree.root / "docker" / "compose.yaml").write_text(COMPOSE + "  cache:\n    image: valkey/valkey:9\n")

    assert _refused(tree.run(*words), "docker/compose.yaml:5: valkey/valkey:9 is not named by the lock's digest")
    assert not (tree.root / "started").exists()


def test_two_images_of_one_variable_are_refused(tree: Tree) -> None:
    other = "  b:\n    image: post-gres:18@${POST_GRES_18}\n  c:\n    image: post/gres:18@${POST_GRES_18}\n"
    (tree.root / "docker" / "compose.yaml").write_text(COMPOSE + other)

    assert _refused(tree.run("lock"), "two images share a variable", "post-gres:18", "post/gres:18")


@pytest.mark.parametrize("answer", ["", "null", "Name: python:3", '{"digest": null}', '{"digest": "sha256:abc"}', "[]"])
def test_an_answer_without_a_digest_leaves_the_lock_as_it_was(tree: Tree, answer: str) -> None:
    tree.run("lock")
    before = tree.lock.read_bytes()
    tree.answers("postgres-18", NEW)
    (tree.root / "answer-python-3").write_text(answer)

    assert _refused(tree.run("lock", "--upgrade"), "python:3: docker gave no")
    assert tree.lock.read_bytes() == before


def test_a_registry_that_is_away_is_told_with_the_clients_words_and_leaves_the_lock_as_it_was(tree: Tree) -> None:
    tree.run("lock")
    before = tree.lock.read_bytes()
    (tree.root / "answer-python-3").unlink()

    assert _refused(tree.run("lock", "--upgrade"), "python:3: ", "answer-python-3", "Docker with buildx")
    assert tree.lock.read_bytes() == before


def test_a_machine_without_docker_is_told_what_is_needed(tree: Tree) -> None:
    assert _refused(tree.run("lock", path=str(tree.root / "scripts")), "postgres:18: ", "Docker with buildx")
    assert not tree.lock.exists()


def test_a_client_that_never_answers_is_given_up(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree.root / "bin" / "docker").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("PATH", f"{tree.root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(images, "LOOKUP_TIMEOUT_S", 0.2)

    with pytest.raises(StepError, match=r"(?s)python:3: .*timed out.*Docker with buildx"):
        images.look_up("python:3")


def test_a_program_that_is_not_there_is_told(tree: Tree) -> None:
    tree.run("lock")

    assert _refused(tree.run("run", "no-such-program"), "no-such-program does not run")


@pytest.mark.parametrize("words", [(), ("run",), ("lock", "--force"), ("check",)])
def test_other_words_are_answered_with_the_usage(tree: Tree, words: tuple[str, ...]) -> None:
    done = tree.run(*words)

    assert (done.returncode, done.stdout) == (2, "usage: images.py lock [--upgrade] | images.py run COMMAND…\n")
