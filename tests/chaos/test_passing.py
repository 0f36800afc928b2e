"""Open sockets that change their process, in the short form; `make chaos` has two thousand of them."""

from pathlib import Path

from tests.chaos import passing
from tests.chaos.returns import Services


def test_a_reload_passes_every_open_socket_on(tmp_path: Path, services: Services) -> None:
    tally = passing.run(tmp_path, passing.QUICK, services)
    assert tally.held(passing.QUICK), tally
