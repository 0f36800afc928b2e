"""Runs a program that goes when the one who started it goes, however that one went.

    python -m zgpt.serve.lifeline PARENT_PID SIGNAL PROGRAM [ARGUMENT …]

becomes PROGRAM (same pid). Its stdin must be a pipe that the parent holds open. On Linux the kernel sends SIGNAL when
the parent dies (prctl(2)); elsewhere a small process waits for the pipe's end and sends it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie the lifeline, then become the program."""
    parent, signum = int(sys.argv[1]), int(sys.argv[2])
    if sys.platform == "linux":
        _ask_kernel(parent, signum)
    else:
        _fork_watcher(signum)
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606 # nosec B606 # the arguments are our own supervisor's


def _ask_kernel(parent: int, signum: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        sys.exit(1)  # it died before the kernel knew


def _fork_watcher(signum: int) -> None:
    program = os.getpid()
    if os.fork():
        return
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    if os.getppid() == program:  # else it has ended, and its pid may be another's
        os.kill(program, signum)
    os._exit(0)


if __name__ == "__main__":
    main()
