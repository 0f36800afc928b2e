"""Check 40: the drill of the runbook on a real PostgreSQL brings everything back, and in the time that is promised.

How long it takes with 200,000 messages: `python -m tests.security.drill`; the figures are in docs/RUNBOOK.md.
"""

from pathlib import Path

import pytest

from tests.security.drill import WORDS, run_drill

MESSAGES = 4_000
RECOVERY_S = 120.0
"""Of this little, on a machine with other work: most of it is the start of four processes."""


@pytest.mark.timeout(300)
def test_sec_40_a_postgres_that_was_lost_is_back_with_every_row_and_serves(tmp_path: Path) -> None:
    done = run_drill(tmp_path, MESSAGES)
    print(done)
    assert done.rows > MESSAGES
    assert done.same
    assert done.verdict.startswith("Whole: ")
    assert done.read_again == WORDS
    assert done.recovery_s < RECOVERY_S
