"""A rolling restart under viewers, in the short form; `make chaos` has more of them and measures their pauses."""

from pathlib import Path

from tests.chaos import rolling
from tests.chaos.returns import Services


def test_a_rolling_restart_closes_no_connection_and_every_viewer_sees_the_whole_answer(
    tmp_path: Path, services: Services
) -> None:
    tally = rolling.run_reloaded(tmp_path, rolling.QUICK, services)
    assert tally.exactly(rolling.QUICK), tally
    assert tally.closes == 0, tally


def test_workers_killed_one_after_another_lose_no_viewer_a_token(tmp_path: Path, services: Services) -> None:
    tally = rolling.run_killed(tmp_path, rolling.QUICK, services)
    assert tally.exactly(rolling.QUICK), tally
    assert tally.closes > 0, tally
