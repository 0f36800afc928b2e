"""A Redis beside the server under measurement: started by the product's Python, which knows where one is.

Not here: Redis itself is found and started by tests/support/services.py. `python -m bench.redis_process` prints
`{"port", "pid"}` and ends with its standard input.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bench.process import pinned

ROOT = Path(__file__).resolve().parents[1]
APPEND = "evalsha"
"""An append is one call of a script; what the script calls is counted by its own name."""
_STAT = re.compile(rb"cmdstat_([a-z|_-]+):calls=(\d+)")
READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Usage:
    """What Redis has done so far: CPU seconds, calls of scripts, and commands of all kinds."""

    cpu_s: float
    scripts: int
    commands: int

    def since(self, before: Usage) -> Usage:
        """What was done in between."""
        return Usage(self.cpu_s - before.cpu_s, self.scripts - before.scripts, self.commands - before.commands)


class RedisProcess:
    """`with RedisProcess(python, cpus) as redis:` on the CPUs of the load, as on a machine of its own."""

    def __init__(self, python: str, cpus: frozenset[int]) -> None:
        with pinned(cpus):
            self._popen = subprocess.Popen(
                [python, "-m", "bench.redis_process"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self._popen.stdout is not None
        told = json.loads(self._popen.stdout.readline())
        self.port: int = told["port"]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = psutil.Process(told["pid"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                stream.close()
        self._popen.wait(15)

    def usage(self) -> Usage:
        """Asked over a connection of its own, which is a few commands more."""
        calls = {name.decode(): int(count) for name, count in _STAT.findall(_ask(self.port, b"INFO commandstats\r\n"))}
        times = self._process.cpu_times()
        return Usage(times.user + times.system, calls.get(APPEND, 0), sum(calls.values()))


def _ask(port: int, command: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(command)
        data = sock.recv(READ_BYTES)
        size = int(data[1 : data.index(b"\r\n")])
        while len(data) < size:
            data += sock.recv(READ_BYTES)
    return data


def main() -> None:
    """Start one, tell where, and end it when nobody listens any more."""
    from tests.support.services import RedisServer  # the product's environment has it, the bench's has not

    server = RedisServer()
    server.start()
    try:
        pids = [one.pid for one in psutil.Process().children(recursive=True)]
        print(json.dumps({"port": server.port, "pid": pids[0]}), flush=True)
        sys.stdin.read()
    finally:
        server.close()


if __name__ == "__main__":
    main()
