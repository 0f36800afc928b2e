"""A killed server, in the short form; `make chaos` kills it twenty times."""

from pathlib import Path

import pytest

from tests.chaos import kill
from tests.chaos.house import House

pytestmark = pytest.mark.alone


def test_answers_that_a_killed_server_was_writing_end_within_ten_seconds_of_its_restart(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        tally = kill.run(house, kill.QUICK)
    assert tally.held(kill.QUICK), tally


def test_an_answer_continued_after_a_kill_begins_with_exactly_what_was_shown(tmp_path: Path) -> None:
    with House(tmp_path, LLM_CONTINUE="trailing") as house:
        tally = kill.run(house, kill.QUICK)
    assert tally.held(kill.QUICK), tally
    assert tally.contradicted == 0, tally
