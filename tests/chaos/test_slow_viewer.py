"""Viewers that stop reading, in the short form; `make chaos` measures what they cost."""

from pathlib import Path

from tests.chaos import slow_viewer
from tests.chaos.house import House


def test_viewers_that_stopped_reading_have_the_exact_text_when_they_read_on(tmp_path: Path) -> None:
    plan = slow_viewer.SHORT
    tally = slow_viewer.Tally(viewers=plan.viewers)
    with House(tmp_path) as house:
        slow_viewer.all_stop(house, plan, tally)
    assert tally.exact == plan.viewers, tally
    assert not tally.broken, tally


def test_a_viewer_that_is_sent_away_for_not_reading_comes_back_to_the_exact_text(tmp_path: Path) -> None:
    plan = slow_viewer.SHORT
    tally = slow_viewer.Tally(viewers=1)
    with House(tmp_path, SEND_STALL_S="1") as house:
        slow_viewer.one_is_sent_away(house, plan, tally)
    assert tally.closes, "it was not sent away: nothing was proven"
    assert not tally.broken, tally
