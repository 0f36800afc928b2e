"""Point 4: the server is killed in mid-answer and started again; every answer that was begun ends, and soon."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from gevent.pool import Group

from bench.script import Script
from tests.chaos.house import House
from tests.chaos.judging import ask, judged
from tests.support.viewer import Viewer
from tests.support.ws_client import Closed

END_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How often the server dies, with how many answers in the making, each this long."""

    kills: int = 20
    answers: int = 5
    tokens: int = 300
    rate: float = 100.0

    @property
    def answer_s(self) -> float:
        """How long the model writes on one answer."""
        return self.tokens / self.rate


QUICK = Plan(kills=1, answers=3)


@dataclass(slots=True)
class Tally:
    """How the answers of all kills ended; seconds count from the start of the new server."""

    kills: int = 0
    kept_promise: int = 0
    completed: int = 0
    failed: int = 0
    swapped: int = 0
    contradicted: int = 0
    slowest_s: float = 0.0
    slowest_start_s: float = 0.0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        times = f"{self.slowest_s:.1f} s after the restart began, which took up to {self.slowest_start_s:.1f} s"
        return (
            f"{self.kills} kills, {self.kept_promise} with every answer ended in time (slowest {times}): "
            f"{self.completed} completed, {self.failed} failed with their partial text; {self.swapped} began an epoch, "
            f"{self.contradicted} of them to another text than was shown; broken: {self.broken or 'none'}"
        )

    def held(self, plan: Plan) -> bool:
        """Every answer of every kill ended in time, with a text that the model said."""
        return not self.broken and self.kept_promise == plan.kills


def run(house: House, plan: Plan, seed: int = 1) -> Tally:
    """Kill after kill on the same database."""
    tally = Tally()
    token = house.sign_up()
    for turn in range(plan.kills):
        _kill_once(house, plan, token, random.Random(seed + turn), tally)
    return tally


def _kill_once(house: House, plan: Plan, token: str, dice: random.Random, tally: Tally) -> None:
    scripts = [Script(tokens=plan.tokens, rate=plan.rate, seed=dice.randrange(1000)) for _ in range(plan.answers)]
    viewers = [Viewer(house.server.url, token) for _ in scripts]
    runs = [_ask(viewer, script) for viewer, script in zip(viewers, scripts, strict=True)]
    _follow_for(viewers, runs, dice.uniform(0.1, 0.8) * plan.answer_s)
    house.server.kill9()
    _read_the_rest(viewers, runs)
    begun = time.monotonic()
    house.server.start()
    tally.slowest_start_s = max(tally.slowest_start_s, time.monotonic() - begun)
    before = len(tally.broken)
    group = Group()
    for viewer, script, run_id in zip(viewers, scripts, runs, strict=True):
        group.spawn(_judge, viewer, script, run_id, begun, tally)
    group.join()
    tally.kills += 1
    tally.kept_promise += len(tally.broken) == before


def _ask(viewer: Viewer, script: Script) -> str:
    viewer.connect()
    return ask(viewer, script)


def _follow_for(viewers: list[Viewer], runs: list[str], seconds: float) -> None:
    group = Group()
    for viewer, run_id in zip(viewers, runs, strict=True):
        group.spawn(viewer.follow, run_id, seconds)
    group.join()


def _read_the_rest(viewers: list[Viewer], runs: list[str]) -> None:
    """What the dead server had already sent is on the screen too."""
    for viewer, run_id in zip(viewers, runs, strict=True):
        try:
            viewer.follow(run_id, 1.0)
        except Closed:
            continue


def _judge(viewer: Viewer, script: Script, run_id: str, begun: float, tally: Tally) -> None:
    with judged(tally.broken, script), viewer:
        viewer.come_back()
        viewer.see_the_end(run_id, END_WITHIN_S - (time.monotonic() - begun))
        _check_text(viewer, script, run_id, tally)
    tally.slowest_s = max(tally.slowest_s, time.monotonic() - begun)
    tally.swapped += viewer.transcript.swaps
    tally.contradicted += viewer.transcript.contradicted


def _check_text(viewer: Viewer, script: Script, run_id: str, tally: Tally) -> None:
    status = viewer.transcript.completed[run_id]["status"]
    text = viewer.transcript.text(run_id)
    if status == "completed":
        assert text == script.text(), f"completed with a text of {len(text)} characters that the model did not say"
        tally.completed += 1
        return
    assert status == "failed", f"ended as {status}"
    assert text, "failed without its partial text"
    assert script.text().startswith(text), "the partial text is not what the model said"
    tally.failed += 1
