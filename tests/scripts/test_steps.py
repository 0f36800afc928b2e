"""A step of the set-up is done once, and again when what it stands on has changed."""

import sys
from pathlib import Path

import pytest

import setup
import steps
from steps import Step, StepError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, with one file that a step depends on."""
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "STAMPS", tmp_path / "stamps")
    (tmp_path / "wanted.txt").write_text("one")
    return tmp_path


@pytest.fixture
def done() -> list[str]:
    """How often the step was done."""
    return []


@pytest.fixture
def step(folder: Path, done: list[str]) -> Step:
    return Step("some step", ("wanted.txt",), lambda: done.append("done"), folder)


def test_a_step_is_done_once(step: Step, done: list[str]) -> None:
    step.run()
    step.run()

    assert done == ["done"]


def test_a_step_is_done_again_when_its_input_changes(step: Step, done: list[str], folder: Path) -> None:
    step.run()
    (folder / "wanted.txt").write_text("two")
    step.run()

    assert done == ["done", "done"]


def test_a_step_is_done_again_when_its_output_is_gone(folder: Path, done: list[str]) -> None:
    step = Step("some step", ("wanted.txt",), lambda: done.append("done"), folder / "made")
    step.run()
    step.run()

    assert done == ["done", "done"]


def test_a_step_that_failed_is_tried_again(folder: Path, done: list[str]) -> None:
    def fail() -> None:
        done.append("tried")
        raise StepError("no network")

    step = Step("some step", (), fail)
    for _ in range(2):
        with pytest.raises(StepError):
            step.run()

    assert done == ["tried", "tried"]


def test_a_program_that_fails_is_told_with_its_last_words_and_a_hint() -> None:
    script = "print('disk full'); raise SystemExit(3)"

    with pytest.raises(StepError, match=r"(?s)disk full.*This failed: .*Is the network there\?"):
        steps.command([sys.executable, "-c", script], hint="Is the network there?")


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(StepError, match="no-such-program does not run"):
        steps.command(["no-such-program"])


def test_a_python_that_is_too_old_is_told_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "OLDEST", (9, 9))
    monkeypatch.setattr(setup, "CANDIDATES", ())

    assert setup.main() == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().out
