"""A driver process: `python -m tests.chaos.storm.load TASK.json`. People who ask again and again, each on two screens.

What was asked, and what every screen then held, goes into the file that the task names. Judging is in `ledger`.
"""

# ruff: noqa: E402 - everything is imported after the patch, as the server does it

from gevent import monkey

monkey.patch_all()

import hashlib
import json
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Group, Pool

from bench.script import Script
from tests.chaos.storm.watcher import Letter, Watcher
from tests.support.visitor import visit

LOOK_S = 0.1
RAMP_S = 8.0
Json = dict[str, Any]


class Stream:
    """One person's session on several screens, with one answer at a time being written in it."""

    def __init__(self, task: Json, index: int) -> None:
        self._plan = task["plan"]
        self._url, self._dice = task["url"], random.Random(f"{self._plan['seed']} {index}")
        self._index = index
        self._ask_until = self._stop_at = 0.0
        self.watchers: list[Watcher] = []
        self.asked: list[Json] = []

    def sign_up(self) -> None:
        token = visit(self._url).token
        self.watchers = [
            Watcher(self._url, token, random.Random(self._dice.random())) for _ in range(self._plan["viewers"])
        ]

    def live(self, ask_until: float, stop_at: float) -> None:
        """Ask, wait for the end, ask again; at last wait until every screen has seen every end."""
        self._ask_until, self._stop_at = ask_until, stop_at
        screens = Group()
        waiting = list(self.watchers)
        gevent.sleep(self._dice.uniform(0, RAMP_S * min(1.0, self._plan["calm_s"] / RAMP_S / 2)))
        try:
            screens.spawn(waiting.pop(0).live)
            while time.monotonic() < self._ask_until and self._ask():
                while waiting:
                    waiting[0].transcript.session_id = self.watchers[0].transcript.session_id
                    screens.spawn(waiting.pop(0).live)
                self._see_the_end(self.watchers[:1])
                gevent.sleep(self._dice.uniform(0, 0.5))
            self._see_the_end(self.watchers)
        finally:
            for watcher in self.watchers:
                watcher.leaving = True
            screens.join(timeout=15)

    def _ask(self) -> bool:
        low, high = self._plan["tokens"]
        script = Script(self._dice.randint(low, high), self._plan["rate"], seed=self._dice.randrange(10_000))
        client_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        letter = Letter(client_id, f"Question {len(self.asked)} of {self._index}. {script.note()}")
        asked: Json = {"client_id": client_id, "text": letter.text, "script": [script.tokens, script.seed]}
        self.asked.append(asked)
        sender = self._dice.choice(self.watchers) if len(self.asked) > 1 else self.watchers[0]
        sender.letter = letter
        while not letter.settled.wait(1.0):
            if time.monotonic() > self._stop_at:
                break
        asked |= {"sent": letter.sent, "refused": letter.refused, "tries": letter.tries}
        return letter.sent is not None

    def _see_the_end(self, watchers: list[Watcher]) -> None:
        sent = self.asked[-1]["sent"] if self.asked else None
        while sent and time.monotonic() < self._stop_at:
            if all(sent["run_id"] in watcher.transcript.completed for watcher in watchers):
                return
            gevent.sleep(LOOK_S)

    def report(self) -> Json:
        transcript = self.watchers[0].transcript
        return {"session_id": transcript.session_id, "asked": self.asked, "screens": [*map(_screen, self.watchers)]}


def _screen(watcher: Watcher) -> Json:
    """What one screen holds at the end, and what it took to get there."""
    held, book = watcher.transcript, watcher.book
    users = [message["id"] for message in held.messages.values() if message["role"] == "user"]
    return {
        "runs": {run_id: _run(watcher, run_id) for run_id in held.completed},
        "open": sorted({run_id for run_id, _ in held.shown} - held.completed.keys()),
        "users": users,
        "duplicates": held.duplicates,
        "gaps": held.gaps,
        "swaps": held.swaps,
        "contradicted": held.contradicted,
        "asked_again": watcher.asked_again,
        "connections": watcher.connections,
        "resets": book.resets,
        "closes": book.closes,
        "broken": book.broken,
        "epochs": book.epochs,
        "lasts": book.lasts,
        "ends": book.ends,
        "lines": book.lines,
    }


def _run(watcher: Watcher, run_id: str) -> list[Any]:
    shown = watcher.transcript.shown.get((run_id, "text"))
    data = bytes(shown.data) if shown else b""
    return [watcher.transcript.completed[run_id].get("status"), len(data), hashlib.sha256(data).hexdigest()]


def _cut_off(streams: list[Stream], task: Json) -> None:
    """Resets the connections of viewers at random: TCP RST, unread bytes thrown away."""
    plan, dice = task["plan"], random.Random(f"{task['plan']['seed']} resets {task['streams'][0]}")
    gevent.sleep(max(0.0, task["storm_at"] - time.monotonic()))
    mean_s = plan["reset_every_s"] / (len(streams) * plan["viewers"])
    while time.monotonic() < task["ask_until"]:
        gevent.sleep(dice.expovariate(1 / mean_s))
        dice.choice(dice.choice(streams).watchers).cut_off = True


def _count(streams: list[Stream], pulse: list[list[float]]) -> None:
    """Once a second: how many bytes have arrived on all screens."""
    while True:
        read = sum(w.client.bytes_read for s in streams for w in s.watchers if w.client is not None)
        shown = sum(len(part.data) for s in streams for w in s.watchers for part in w.transcript.shown.values())
        pulse.append([time.monotonic(), read, shown])
        gevent.sleep(1.0)


def _rendezvous(ready: Path, go: Path) -> Json:
    """Say that everybody is here, and wait for the times (CLOCK_MONOTONIC is the same in every process)."""
    ready.touch()
    while not go.exists():
        gevent.sleep(LOOK_S)
    times: Json = json.loads(go.read_text())
    return times


def main() -> int:
    task: Json = json.loads(Path(sys.argv[1]).read_text())
    streams = [Stream(task, index) for index in task["streams"]]
    Pool(8).map(Stream.sign_up, streams)
    task |= _rendezvous(Path(task["ready"]), Path(task["go"]))
    pulse: list[list[float]] = []
    counting = gevent.spawn(_count, streams, pulse)
    cutting = gevent.spawn(_cut_off, streams, task) if task["plan"]["reset_every_s"] else None
    group = Group()
    for stream in streams:
        group.spawn(stream.live, task["ask_until"], task["stop_at"])
    group.join()
    gevent.killall([one for one in (counting, cutting) if one is not None])
    report = {"streams": [stream.report() for stream in streams], "pulse": pulse, "cpu_s": time.process_time()}
    draft = Path(task["report"]).with_suffix(".draft")
    draft.write_text(json.dumps(report))
    draft.rename(task["report"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
