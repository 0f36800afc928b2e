"""Several pytest processes that share one run: every test is run once, faults are told, and who is to be alone is."""

import fcntl
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.plugins.claims import turn
from tests.support.server import ROOT

FILES = 12
RECORD = """
import os, pytest

def note(line):
    with open(os.environ["RECORD"], "a") as record:
        record.write(line + "\\n")

@pytest.fixture(scope="module", autouse=True)
def module(request):
    note(f"begin {request.path.name}")
    yield
    note(f"end {request.path.name}")

@pytest.fixture(autouse=True)
def each(request):
    note(f"{request.path.name} {request.node.name}")
"""
TESTS = "import pytest\ndef test_one(): pass\n@pytest.mark.parametrize('n', [1, 2])\ndef test_two(n): pass\n"
APART = "import pytest\ndef test_here(): pass\n@pytest.mark.alone\ndef test_alone(): pass\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A few files of tests that write down what is run."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    (folder / "conftest.py").write_text(RECORD)
    for number in range(FILES):
        (folder / f"test_{number:02}.py").write_text(TESTS)
    return folder


def shared(tree: Path, processes: int = 3) -> tuple[int, list[str], str]:
    """Its status, what was run, and what was printed."""
    record = tree / "record"
    env = {**os.environ, "RECORD": str(record), "TEST_PROCESSES": str(processes), "PYTHONPATH": str(ROOT)}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    argv = [sys.executable, "-m", "tests.side_by_side", "-p", "no:cacheprovider"]
    done = subprocess.run(argv, env=env, cwd=tree, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, record.read_text().splitlines() if record.exists() else [], done.stdout + done.stderr


def test_every_test_is_run_once_and_the_fixtures_of_a_file_are_made_once(tree: Path) -> None:
    status, ran, said = shared(tree)

    expected = []
    for number in range(FILES):
        name = f"test_{number:02}.py"
        expected += [f"begin {name}", f"end {name}", *(f"{name} test_{which}" for which in ("one", "two[1]", "two[2]"))]
    assert Counter(ran) == Counter(expected)
    assert status == 0
    assert f"{3 * FILES} passed in" in said.splitlines()[-1]


def test_a_failure_anywhere_fails_the_run_and_is_told(tree: Path) -> None:
    (tree / "test_05.py").write_text("def test_wrong(): assert 'this' == 'that'\n")

    status, _, said = shared(tree)

    assert status == 1
    assert "assert 'this' == 'that'" in said
    assert f"1 failed, {3 * FILES - 3} passed in" in said.splitlines()[-1]


def test_a_file_that_cannot_be_read_fails_the_run(tree: Path) -> None:
    (tree / "test_05.py").write_text("import nothing_of_this_name\n")

    status, _, said = shared(tree, processes=1)

    assert status == 1
    assert "nothing_of_this_name" in said


def test_those_that_are_to_be_alone_come_last(tree: Path) -> None:
    (tree / "test_05.py").write_text(APART)

    status, ran, _ = shared(tree, processes=1)

    assert status == 0
    assert ran[-3:] == ["begin test_05.py", "test_05.py test_alone", "end test_05.py"]
    assert "test_05.py test_here" in ran


def test_nothing_runs_beside_one_that_is_to_be_alone(tmp_path: Path) -> None:
    lock = tmp_path / "turn"
    with turn(lock, alone=False), lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with turn(lock, alone=True), lock.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
