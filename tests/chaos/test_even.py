"""How connections spread over workers, in the short form; `make chaos` opens two thousand."""

from pathlib import Path

from tests.chaos import even
from tests.chaos.returns import Services


def test_connections_are_even_over_the_workers_and_again_after_one_was_killed(
    tmp_path: Path, services: Services
) -> None:
    tally = even.run(tmp_path, even.QUICK, services)
    assert tally.held(), tally
