"""Starts a crowd (crowd.py) as a process, and asks it how it is; what it does is written there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

from tests.chaos.people import Someone
from tests.support.processes import tail
from tests.support.server import ROOT

LOOK_AGAIN_S = 0.25
"""The crowd tells only when it is asked, and each report keeps it from its work."""


@dataclass(frozen=True, slots=True)
class Report:
    """What happened since the last reset; `returns` are (lost → open, open → caught up, lost → caught up) in s."""

    present: int
    lost: int
    messages: int
    returns: list[tuple[float, float, float]]
    cpu_s: float
    refusals: dict[str, int]
    closes: dict[str, int]
    errors: dict[str, int]
    faults: dict[str, int]


class CrowdProcess:
    """`with CrowdProcess(port, people, log) as crowd:` begins to gather at once; ends with the block."""

    def __init__(self, port: int, people: Sequence[Someone], log: Path) -> None:
        self._log = log
        with log.open("ab") as faults:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.crowd"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=faults, text=True,
            )  # fmt: skip
        self._say({"port": port, "people": [astuple(one) for one in people]})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def reset(self) -> None:
        self._ask("reset")

    def report(self) -> Report:
        return self._ask("report")

    def await_present(self, count: int, timeout_s: float) -> None:
        """Return when so many are there; TimeoutError otherwise."""
        deadline = time.monotonic() + timeout_s
        while (report := self.report()).present < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{report.present} of {count} came: {report} {tail(self._log)}")
            time.sleep(LOOK_AGAIN_S)  # it tells only when it is asked

    def await_back(self, count: int, timeout_s: float) -> Report:
        """The report when some were lost and all are there again, or when the time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            report = self.report()
            if (report.lost and report.present >= count) or time.monotonic() > deadline:
                return report
            time.sleep(LOOK_AGAIN_S)  # it tells only when it is asked

    def _say(self, what: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def _ask(self, what: str) -> Report:
        self._say(what)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the crowd ended:\n{tail(self._log)}")
        return Report(**json.loads(line))
