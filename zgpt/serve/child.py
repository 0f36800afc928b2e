"""One supervised child: started, asked how it is, started again with back-off. Who asks when is `supervisor`'s."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from zgpt.core import clock

from .paths import ROOT

BACKOFF_FIRST_S = 0.5
BACKOFF_LONGEST_S = 30.0
SETTLED_S = 30.0
"""A child that lived this long starts again without the back-off of its earlier deaths."""

ASK_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How one child is run. `stdin` makes the first line that it reads there."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    health_url: Callable[[], tuple[str, int, str]]  # host, port, path
    stdin: Callable[[], bytes]
    output: Callable[[], IO[bytes] | None]  # None: ours
    death_signal: int  # what it gets when we die
    patience_s: float  # for how long it may fail to answer before it is killed
    pass_fds: tuple[int, ...] = ()


@dataclass(slots=True)
class Child:
    """A plan, and the process that carries it out at the moment."""

    plan: Plan
    process: subprocess.Popen[bytes] | None = None
    healthy: bool = False
    ever_healthy: bool = False
    started_s: float = 0.0
    answered_s: float = 0.0
    start_at_s: float = 0.0
    deaths: int = 0
    asked: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Start it in a session of its own: what is typed at our terminal is not for it."""
        plan = self.plan
        line = [sys.executable, "-m", "zgpt.serve.lifeline", str(os.getpid()), str(int(plan.death_signal))]
        output = plan.output()
        self.process = subprocess.Popen(  # noqa: S603 # nosec B603 # our own programs
            [*line, *plan.argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=dict(plan.env),
            cwd=ROOT,
            start_new_session=True,
            pass_fds=plan.pass_fds,
        )
        if output is not None:
            output.close()
        self.healthy = False
        self.started_s = self.answered_s = clock.monotonic()
        self._write(plan.stdin())

    def ended(self) -> int | None:
        """The exit status once, when it has ended by now; it is due to start again after the back-off."""
        status = self.process.poll() if self.process else None
        if self.process is None or status is None:
            return None
        if self.process.stdin is not None:
            self.process.stdin.close()
        now_s = clock.monotonic()
        self.deaths = 1 if now_s - self.started_s > SETTLED_S else self.deaths + 1
        self.start_at_s = now_s + min(BACKOFF_FIRST_S * 2 ** (self.deaths - 1), BACKOFF_LONGEST_S)
        self.process, self.healthy = None, False
        return status

    def ask(self) -> bool:
        """Whether it answers its health check; kills it when it has not for too long."""
        now_s = clock.monotonic()
        self.healthy = answers(*self.plan.health_url())
        if self.healthy:
            self.ever_healthy = True
            self.answered_s = now_s
        elif now_s - self.answered_s > self.plan.patience_s:
            self.signal(signal.SIGKILL)
        return self.healthy

    def signal(self, signum: int) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signum)

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within this time."""
        if self.process is None:
            return True
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _write(self, data: bytes) -> None:
        if self.process is None or self.process.stdin is None:
            return
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died already: `ended` says so


def answers(host: str, port: int, path: str) -> bool:
    """Whether a GET there is answered with 200 within a second."""
    connection = http.client.HTTPConnection(host, port, timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def died_of(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    return f"signal {signal.Signals(-status).name.removeprefix('SIG')}"
