"""Several processes and one Redis: a limit holds for all of them together, to the last message."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from pathlib import Path

import psutil

from tests.support.server import Server, prepare_folder, server_env
from tests.support.visitor import visit
from tests.support.workers import workers_of
from tests.support.ws_client import Client, CommandFailed

CLIENTS = 200
LIMIT = 100
WAIT_S = 60.0
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "LIMIT_MESSAGES": f"{LIMIT} per hour",
    # Nobody answers there: this test is about what gets in.
    "LLM_BASE_URL": "http://127.0.0.1:9/v1",
    # All 200 are one person, whose row one at a time can lock: the others wait, and some are told to come again.
    "DATABASE_POOL_SIZE": "20",
}


def send(client: Client, outcomes: list[str]) -> None:
    """Send one message into a session of its own, again while the database is busy; note how it was answered."""
    named = {"session_id": None, "client_id": str(uuid.uuid4()), "text": "Hi"}
    while True:
        try:
            client.command("message.send", WAIT_S, **named)
        except CommandFailed as refused:
            if refused.code == "unavailable":
                continue
            outcomes.append(str(refused.code))
        else:
            outcomes.append("ok")
        return


def processor_s(pid: int) -> float:
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def test_200_clients_of_two_processes_get_exactly_the_100_messages_of_the_limit(
    tmp_path: Path, sqlite_template: Path, postgres_url: str, redis_url: str
) -> None:
    prepare_folder(tmp_path, sqlite_template)
    server = Server(tmp_path, server_env({**SETTINGS, "REDIS_URL": redis_url, "DATABASE_URL": postgres_url}))
    server.start()
    outcomes: list[str] = []
    try:
        token = visit(server.url).token
        clients = [Client(server.url).connect() for _ in range(CLIENTS)]
        for client in clients:
            client.say_hello(token)
        idle_s = {pid: processor_s(pid) for pid in workers_of(server)}
        sending = [threading.Thread(target=send, args=(client, outcomes)) for client in clients]
        for one in sending:
            one.start()
        for one in sending:
            one.join(WAIT_S)
        worked = [pid for pid, before_s in idle_s.items() if processor_s(pid) > before_s + 0.05]
        for client in clients:
            client.close()
    finally:
        server.close()
    assert Counter(outcomes) == {"ok": LIMIT, "rate_limited": CLIENTS - LIMIT}
    assert len(worked) == 2, "one process alone proves nothing"
