"""The rules of revisions that the tests' own screens keep: the web app's, or they would not see what it misses."""

from typing import Any

from tests.support.transcript import Transcript

SESSION = "0190b3a4-0000-7000-8000-000000000001"


def completed(revision: int) -> dict[str, Any]:
    message = {"id": "m", "role": "assistant", "text": "", "reasoning": "", "run": None}
    return {"type": "run.completed", "session_id": SESSION, "run_id": "r", "revision": revision, "status": "completed",
            "ends": {}, "sha256": {}, "message": message}  # fmt: skip


def test_an_end_from_beyond_the_next_revision_is_shown_and_what_lies_between_is_asked_for() -> None:
    screen = Transcript(session_id=SESSION, revision=3)
    assert screen.apply(completed(6))
    assert screen.revision == 3
    assert "r" in screen.completed


def test_an_end_behind_later_events_is_shown() -> None:
    screen = Transcript(session_id=SESSION, revision=7)
    assert not screen.apply(completed(6))
    assert screen.revision == 7
    assert "r" in screen.completed


def test_a_session_that_was_told_to_have_changed_is_not_taken_for_the_change() -> None:
    screen = Transcript(session_id=SESSION, revision=3)
    assert not screen.apply({"type": "session.updated", "session": {"id": SESSION, "revision": 4}})
    assert (screen.revision, screen.seen) == (3, 4)
