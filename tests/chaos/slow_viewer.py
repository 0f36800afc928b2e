"""Point 5: viewers that stop reading cost a cursor, delay nobody, and have the whole answer when they read on."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from bench.script import Script
from tests.chaos.house import House
from tests.chaos.judging import END_WITHIN_S, ask, assert_exact, judged
from tests.support.viewer import Viewer

HOLD_S = "600"
"""The server would send a stopped reader away after 30 s: here it must bear with it for the whole time."""
RECEIVE_BUFFER_BYTES = 4096
SETTLE_S = 1.0
MOST_COST_KIB = 4.0
MOST_DELAY_MS = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many viewers stop, and for how long, on a stream of so many tokens a second."""

    viewers: int = 200
    stopped_s: float = 60.0
    rate: float = 50.0
    wide: int = 4

    @property
    def script(self) -> Script:
        """A stream that outlasts the stop a little."""
        return Script(tokens=int((self.stopped_s + 5) * self.rate), rate=self.rate, seed=3, wide=self.wide)


SHORT = Plan(viewers=20, stopped_s=6.0, rate=100.0, wide=60)
QUICK = Plan(stopped_s=8.0, rate=100.0, wide=40)


@dataclass(slots=True)
class Tally:
    """What stopped viewers cost the others and the server."""

    alone_p99_ms: float = 0.0
    beside_p99_ms: float = 0.0
    alone_max_ms: float = 0.0
    beside_max_ms: float = 0.0
    kib_per_viewer: float = 0.0
    exact: int = 0
    kept: int = 0
    viewers: int = 0
    waiting_kib: float = 0.0
    closes: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"between a reader's tokens, p99: {self.alone_p99_ms:.1f} ms alone, {self.beside_p99_ms:.1f} ms beside "
            f"{self.viewers} stopped ones (slowest {self.alone_max_ms:.1f} and {self.beside_max_ms:.1f} ms); one more "
            f"stopped viewer costs {self.kib_per_viewer:+.2f} KiB, with {self.waiting_kib:.0f} KiB waiting for it; "
            f"{self.exact} of {self.viewers} had the exact text afterwards, {self.kept} on the same connection; "
            f"one that was sent away (close {self.closes}) came back to it; broken: {self.broken[:3] or 'none'}"
        )

    def held(self) -> bool:
        """Nobody was delayed, nothing was lost, and a stopped viewer costs little."""
        late_ms = self.beside_p99_ms - self.alone_p99_ms
        cheap = self.kib_per_viewer < MOST_COST_KIB
        return (
            not self.broken and bool(self.closes) and self.exact == self.viewers and late_ms < MOST_DELAY_MS and cheap
        )


def run(folder: Path, plan: Plan) -> Tally:
    """Four servers in turn: a reader alone, a few stopped beside it, the many stopped beside it, one sent away."""
    tally = Tally(viewers=plan.viewers)
    with _house(folder / "alone") as house:
        reader, _ = _open_all(house, 0)
        tally.alone_p99_ms, tally.alone_max_ms = _watch(reader, ask(reader, plan.script), plan.stopped_s)
        reader.close()
    few = replace(plan, viewers=plan.viewers // 10)
    with _house(folder / "few") as house:
        few_kib = all_stop(house, few, Tally(viewers=few.viewers))
    with _house(folder / "stopped") as house:
        grown_kib = all_stop(house, plan, tally)
    # What the server grows by in this time belongs to no viewer: it is the same beside a tenth of them.
    tally.kib_per_viewer = (grown_kib - few_kib) / (plan.viewers - few.viewers)
    with House(folder / "sent-away", SEND_STALL_S=str(plan.stopped_s / 3)) as house:
        one_is_sent_away(house, plan, tally)
    return tally


def _house(folder: Path) -> House:
    # One connection to the database: each has a page cache of megabytes, and how many are open is chance.
    return House(folder, SEND_STALL_S=HOLD_S, HEARTBEAT_S=HOLD_S, DATABASE_POOL_SIZE="1")


def _open_all(house: House, count: int) -> tuple[Viewer, list[Viewer]]:
    """A reader and `count` others with small receive buffers, all with one session open."""
    token = house.sign_up()
    session_id = house.post("/api/v1/sessions", {"title": "Watched"}, token)["id"]
    reader = Viewer(house.server.url, token, session_id)
    others = [Viewer(house.server.url, token, session_id, receive_buffer=RECEIVE_BUFFER_BYTES) for _ in range(count)]
    for viewer in [reader, *others]:
        viewer.connect()
        viewer.open()
    _warm_up(reader, others)
    return reader, others


def _warm_up(reader: Viewer, others: list[Viewer]) -> None:
    """A first short answer that all of them read: what the server loads and allocates once belongs to no viewer."""
    script = Script(tokens=50, rate=100.0, seed=1)
    run_id = ask(reader, script)
    for viewer in [reader, *others]:
        assert viewer.follow(run_id, 30.0)
    # What the server does after an answer (checkpoint, title) shows nowhere else.
    time.sleep(SETTLE_S)


def _watch(reader: Viewer, run_id: str, seconds: float) -> tuple[float, float]:
    """Milliseconds between a reader's deltas: p99 and the largest."""
    arrivals: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and run_id not in reader.transcript.completed:
        event = reader.online.event()
        if event["type"] == "run.delta":
            arrivals.append(time.monotonic())
        reader.transcript.apply(event)
    gaps = [(later - sooner) * 1e3 for sooner, later in pairwise(arrivals)]
    return statistics.quantiles(gaps, n=100)[98], max(gaps)


def all_stop(house: House, plan: Plan, tally: Tally) -> float:
    """All viewers stop while one reads; then they read on. Returns the server's growth until then, in KiB."""
    reader, others = _open_all(house, plan.viewers)
    before = house.unique_kib()
    run_id = ask(reader, plan.script)
    tally.beside_p99_ms, tally.beside_max_ms = _watch(reader, run_id, plan.stopped_s)
    grown = house.unique_kib() - before
    for viewer in others:
        _judge(viewer, run_id, plan, tally)
        viewer.close()
    reader.close()
    tally.waiting_kib = sum(viewer.online.bytes_read for viewer in others) / plan.viewers / 1024
    return grown


def _judge(viewer: Viewer, run_id: str, plan: Plan, tally: Tally) -> None:
    """It reads on and has everything; after 60 s the kernel may have reset it (TCP_USER_TIMEOUT): it comes back."""
    with judged(tally.broken, plan.script):
        viewer.see_the_end(run_id, END_WITHIN_S)
        tally.kept += not viewer.closes
        assert_exact(viewer, run_id, plan.script)
        tally.exact += 1


def one_is_sent_away(house: House, plan: Plan, tally: Tally) -> None:
    """With the server's patience shorter than the stop, the viewer is closed, comes back and has everything too."""
    reader, (stopped,) = _open_all(house, 1)
    run_id = ask(reader, plan.script)
    _watch(reader, run_id, plan.stopped_s)
    stopped.see_the_end(run_id, 30.0)
    if stopped.transcript.text(run_id) != plan.script.text():
        tally.broken.append("the viewer that was sent away came back to another text")
    tally.closes = stopped.closes
    for viewer in (reader, stopped):
        viewer.close()
