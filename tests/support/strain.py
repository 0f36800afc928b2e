"""What an attack costs a server under test: memory, late answers, tracebacks. The attacks themselves are elsewhere."""

import itertools
import re
import time
from collections.abc import Sequence

import psutil

from tests.support.server import Server
from tests.support.web import fetched
from tests.support.workers import workers_of

MIB = 1 << 20


def memory_bytes(server: Server) -> int:
    """What all workers hold in memory (RSS)."""
    return sum(psutil.Process(pid).memory_info().rss for pid in workers_of(server))


def tracebacks(server: Server) -> list[str]:
    """The lines of the log that tell of an exception nobody expected."""
    lines = server.log.read_text(errors="replace").splitlines()
    return [line[:500] for line in lines if "Traceback" in line or '"level":"error"' in line]


def counter(server: Server, name: str, label: str = "") -> float:
    """The sum of a metric over its labels, or those with this one (`code="1000"`), as /metrics tells it."""
    with fetched(f"{server.url}/metrics", 10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if _name(line) == name and label in line)


def _name(line: str) -> str:
    return re.split(r"[{ ]", line, maxsplit=1)[0]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all lies below."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def gaps_ms(came_s: Sequence[float]) -> list[float]:
    """The times between neighbours, in milliseconds."""
    return [(later - earlier) * 1_000 for earlier, later in itertools.pairwise(came_s)]


def seconds_since(begun_s: float) -> float:
    """How long ago that was, on the clock of `time.monotonic`."""
    return time.monotonic() - begun_s
