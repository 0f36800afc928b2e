"""Answers that are being written while something happens to the server, each with one who asked and one who looks."""

from __future__ import annotations

import threading
import uuid

from tests.support.processes import polls
from tests.support.server import Server
from tests.support.viewer import Viewer
from tests.support.visitor import visit
from tests.support.workers import workers_of
from tests.support.ws_client import Closed

END_TIMEOUT_S = 90.0
REPLACED_S = 75.0
"""More than an exit waits for workers that start slowly on a busy machine (`COMING_S`)."""


def wait_replaced(server: Server, before: list[int], count: int) -> None:
    """Until none of these workers lives, and as many others do."""
    for _ in polls(REPLACED_S):
        alive = workers_of(server)
        if not set(before) & set(alive) and len(alive) == count:
            return
    raise AssertionError(f"{set(before) & set(workers_of(server))} did not end")


class Stream:
    """One answer, who asked for it, and who else looks; both read in threads of their own."""

    def __init__(self, server: Server, question: str) -> None:
        visitor = visit(server.url)
        self.writer, self.reader = Viewer(server.url, visitor.token), Viewer(server.url, visitor.token)
        self.writer.connect()
        self.run_id = self.writer.ask(question, str(uuid.uuid4()))["run_id"]
        self.reader.transcript.session_id = self.writer.transcript.session_id
        self.reader.connect()
        self.reader.open()
        self._threads = [threading.Thread(target=self._follow, args=(one,)) for one in self.viewers]
        self._faults: list[BaseException] = []
        for thread in self._threads:
            thread.start()

    @property
    def viewers(self) -> tuple[Viewer, Viewer]:
        return self.writer, self.reader

    def _follow(self, viewer: Viewer) -> None:
        try:
            viewer.see_the_end(self.run_id, END_TIMEOUT_S)
        except (AssertionError, OSError, TimeoutError, Closed) as fault:
            self._faults.append(fault)

    def wait_begun(self) -> None:
        """Until both have been shown something."""
        for _ in polls(END_TIMEOUT_S):
            if self._faults or all(viewer.transcript.text(self.run_id) for viewer in self.viewers):
                return

    def finish(self, text: str) -> None:
        """Both read it to the end over the one connection that they began with, byte for byte."""
        for thread in self._threads:
            thread.join(END_TIMEOUT_S)
        assert self._faults == []
        for viewer in self.viewers:
            assert viewer.transcript.completed[self.run_id]["status"] == "completed"
            assert viewer.transcript.text(self.run_id) == text
            assert viewer.transcript.contradicted == 0
            assert (viewer.connections, viewer.closes) == (1, [])

    def close(self) -> None:
        for viewer in self.viewers:
            viewer.close()
