"""How much more memory a server's workers held at their highest while something was done to them. Not here: what."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.support.server import Server
from tests.support.strain import memory_bytes
from tests.support.workers import workers_of

_FORGET_PEAK = "5"
"""proc(5), /proc/PID/clear_refs: VmHWM begins anew at what is held now."""


def peak_growth_bytes(server: Server, attack: Callable[[], object]) -> int:
    """RSS at its highest during the attack less RSS before; without /proc, RSS after it less RSS before."""
    workers = [Path(f"/proc/{pid}") for pid in workers_of(server)]
    before = memory_bytes(server)
    if not all((worker / "clear_refs").exists() for worker in workers):
        attack()
        return memory_bytes(server) - before
    for worker in workers:
        (worker / "clear_refs").write_text(_FORGET_PEAK)
    attack()
    return sum(_peak_bytes(worker) for worker in workers) - before


def _peak_bytes(worker: Path) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", (worker / "status").read_text())
    assert found is not None
    return int(found[1]) * 1_024
