"""Forced drops against a real server, in the short form; `make chaos` has the full one."""

from pathlib import Path

from tests.chaos import drops
from tests.chaos.house import House


def test_after_forty_forced_drops_every_viewer_shows_exactly_what_the_model_said(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        tally = drops.run(house, drops.QUICK)
    assert tally.held(drops.QUICK), tally
