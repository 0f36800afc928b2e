"""A server that is told to end: everybody hears when to come back, and the answer goes on after the start."""

import json
import signal
import uuid

import gevent

from tests.conftest import MakeServer
from tests.gateway.conftest import Desk
from tests.support.viewer import Viewer
from tests.support.visitor import visit
from zgpt.gateway.views import RETURN_SPREAD_MS, start_gateway, stop_gateway
from zgpt.realtime import close_codes

ANSWER = "".join(f"{n} " for n in range(150))


def test_at_the_end_every_client_is_told_to_come_back_at_a_moment_of_its_own(desk: Desk) -> None:
    sockets = [desk.connect() for _ in range(2)]
    with desk.chat.app.app_context():
        connections = desk.chat.app.extensions["sock"].engine.connections
    for socket in sockets:
        connections.add(socket)
    start_gateway(desk.chat.app)
    gevent.sleep(0)
    stop_gateway(desk.chat.app)
    connections.clear()
    assert [socket.closed_with for socket in sockets] == [close_codes.RESTART] * 2
    assert not close_codes.is_final(close_codes.RESTART)


def test_an_answer_goes_on_over_a_restart_without_a_lost_or_doubled_character(server: MakeServer) -> None:
    running = server(LLM_TITLES="false", LLM_CONTINUE="trailing")
    with Viewer(running.url, visit(running.url).token) as viewer:
        viewer.connect()
        run_id = viewer.ask("count:150@50", str(uuid.uuid4()))["run_id"]
        while len(viewer.transcript.text(run_id)) < 40:
            viewer.transcript.apply(viewer.online.event())
        running.signal(signal.SIGTERM)
        closed = viewer.online.wait_closed(10)
        assert closed.code == close_codes.RESTART
        assert 0 <= json.loads(closed.reason)["retry_after_ms"] < RETURN_SPREAD_MS
        running.wait(20)
        running.start()
        viewer.come_back(10)
        viewer.see_the_end(run_id, 20)
    assert viewer.transcript.completed[run_id]["status"] == "completed"
    assert viewer.transcript.text(run_id) == ANSWER
