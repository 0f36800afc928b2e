"""The storm in a minute; `make chaos` has the full one, with times. Here nothing depends on how fast the machine is."""

from pathlib import Path

import pytest

from tests.chaos.storm import plan, report
from tests.chaos.storm.run import run


@pytest.mark.timeout(400)
def test_every_screen_holds_exactly_what_the_database_holds_after_a_storm(tmp_path: Path) -> None:
    result = run(tmp_path, plan.QUICK)
    assert result.held, report.summary(result)
