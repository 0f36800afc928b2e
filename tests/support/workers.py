"""The workers of one running server: which of them a viewer is connected to, and viewers on a worker of choice."""

import psutil

from tests.support.processes import polls
from tests.support.server import Server
from tests.support.viewer import Viewer

TRIES = 60


def workers_of(server: Server) -> list[int]:
    """The process ids of the workers that live."""
    return [child.pid for child in psutil.Process(server.pid).children() if _lives(child)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def worker_of(server: Server, viewer: Viewer) -> int:
    """The process that holds the other end of the viewer's socket."""
    port = viewer.online._open().getsockname()[1]
    for _ in polls(5.0):
        for pid in workers_of(server):
            peers = psutil.Process(pid).net_connections("tcp4")
            if any(peer.raddr[1:] == (port,) for peer in peers):
                return pid
    raise AssertionError("no worker holds the viewer's socket")


def connect_beside(server: Server, viewer: Viewer, taken: set[int]) -> int:
    """Connect the viewer to a worker that is none of these; returns which."""
    for _ in range(TRIES):
        viewer.connect()
        pid = worker_of(server, viewer)
        if pid not in taken:
            return pid
        viewer.online.close()
    raise AssertionError(f"only {taken} took a connection, {TRIES} times")
