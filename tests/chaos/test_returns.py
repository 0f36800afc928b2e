"""Many clients that lose their server at once, in the short form; `make chaos` has five thousand of them."""

from pathlib import Path

from tests.chaos import returns
from tests.chaos.returns import Services


def test_clients_whose_workers_were_all_killed_come_back_by_themselves_and_miss_nothing(
    tmp_path: Path, services: Services
) -> None:
    plan = returns.QUICK
    tally = returns.run(tmp_path, plan, services)
    assert tally.present == tally.back == plan.clients, tally
    assert not tally.refused, tally
    assert tally.caught_up_with == plan.clients * returns.MISSED, tally
    assert tally.exact == plan.streams, tally
