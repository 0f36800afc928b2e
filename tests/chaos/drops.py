"""Point 3: viewers that lose their connection again and again still show every answer exactly, byte by byte."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass, field

from gevent.pool import Group

from bench.script import Script
from tests.chaos.house import House
from tests.chaos.judging import judged, question, see_exactly
from tests.support.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Plan:
    """How many streams and drops; seconds between drops and offline are drawn evenly from 0 to these."""

    streams: int = 100
    drops: int = 10
    tokens: int = 1_800
    rate: float = 30.0
    online_s: float = 1.5
    offline_s: float = 3.0


QUICK = Plan(streams=10, drops=4, tokens=240, rate=60.0, online_s=0.5, offline_s=0.7)


@dataclass(slots=True)
class Tally:
    """What happened over all streams; `broken` names each broken transcript."""

    streams: int = 0
    drops: int = 0
    in_mid_stream: int = 0
    exact: int = 0
    bytes: int = 0
    duplicates: int = 0
    gaps: int = 0
    short_at_end: int = 0
    sessions: int = 0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.drops} drops ({self.in_mid_stream} in mid-stream) over {self.streams} streams: {self.exact} exact, "
            f"{self.bytes:,} bytes; repaired by asking: {self.duplicates} duplicates, {self.gaps} gaps; "
            f"broken: {self.broken or 'none'}"
        )

    def held(self, plan: Plan) -> bool:
        """Nothing lost, nothing doubled, under as many drops as planned."""
        return not self.broken and self.exact == plan.streams and self.drops >= plan.streams * plan.drops


def run(house: House, plan: Plan, seed: int = 1) -> Tally:
    """All streams at once; returns when each has been seen to its end."""
    tally = Tally()
    tokens = [house.sign_up() for _ in range(min(20, plan.streams))]
    group = Group()
    for index in range(plan.streams):
        group.spawn(_stream, house.server.url, tokens[index % len(tokens)], plan, random.Random(seed + index), tally)
    group.join()
    tally.sessions = sum(len(house.get("/api/v1/sessions?limit=50", token)["items"]) for token in tokens)
    if tally.sessions != plan.streams:
        tally.broken.append(f"{tally.sessions} sessions of {plan.streams} questions: a repeated question was doubled")
    return tally


def _stream(url: str, token: str, plan: Plan, dice: random.Random, tally: Tally) -> None:
    script = Script(tokens=plan.tokens, rate=plan.rate, seed=dice.randrange(1000))
    viewer = Viewer(url, token)
    with judged(tally.broken, script), viewer:
        run_id = _ask(viewer, script, dice, tally)
        for _ in range(plan.drops - (viewer.connections - 1)):
            _drop(viewer, run_id, plan, dice, tally)
        see_exactly(viewer, run_id, script)
        tally.exact += 1
    _count(viewer, tally)


def _ask(viewer: Viewer, script: Script, dice: random.Random, tally: Tally) -> str:
    """Asks, half of the time first over a connection that dies before the answer: asked again, it is the same one."""
    client_id, text = str(uuid.uuid4()), question(script)
    if dice.random() < 0.5:
        lost = viewer.connect()
        lost.send({"type": "message.send", "id": "x", "session_id": None, "client_id": client_id, "text": text})
        # So that the connection dies at another step of the server's each time.
        time.sleep(dice.choice([0.0, 0.001, 0.01, 0.05]))
        lost.reset()
        tally.drops += 1
    viewer.connect()
    run_id: str = viewer.ask(text, client_id)["run_id"]
    return run_id


def _drop(viewer: Viewer, run_id: str, plan: Plan, dice: random.Random, tally: Tally) -> None:
    """Is reset while reading, or (one in five) while the session is being opened; is away for a moment; comes back."""
    if dice.random() < 0.8:
        viewer.follow(run_id, dice.uniform(0, plan.online_s))
    else:
        _ask_to_open(viewer)
        # Before, while or after the server opens it.
        time.sleep(dice.choice([0.0, 0.001, 0.01]))
    viewer.online.reset()
    tally.drops += 1
    tally.in_mid_stream += run_id not in viewer.transcript.completed
    # Offline: that is the fault, and nothing ends it but time.
    time.sleep(dice.uniform(0, plan.offline_s))
    viewer.come_back()


def _ask_to_open(viewer: Viewer) -> None:
    """Sends session.open and does not read the answer."""
    held = viewer.transcript
    frame = {"type": "session.open", "id": "x", "session_id": held.session_id, "revision": held.revision}
    viewer.online.send({**frame, "holds": held.holds()})


def _count(viewer: Viewer, tally: Tally) -> None:
    transcript = viewer.transcript
    tally.streams += 1
    tally.bytes += sum(len(shown.data) for shown in transcript.shown.values())
    tally.duplicates += transcript.duplicates
    tally.gaps += transcript.gaps
    tally.short_at_end += transcript.short_at_end
