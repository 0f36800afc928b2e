"""API keys on the socket: they say hello like access tokens, and every command asks for its scope."""

import uuid

import gevent
import pytest

from tests.auth.test_keys import make_key
from tests.gateway.conftest import Desk
from zgpt.core import clock
from zgpt.realtime import close_codes

NOBODYS = "01900000-0000-7000-8000-000000000001"
CHANGES = {
    "message.send": {"client_id": str(uuid.uuid4()), "text": "Hi"},
    "message.edit": {"message_id": NOBODYS, "client_id": str(uuid.uuid4()), "text": "Hi"},
    "run.stop": {"run_id": NOBODYS},
    "run.regenerate": {"message_id": NOBODYS},
}


def test_a_key_says_hello_and_sends(desk: Desk) -> None:
    made = make_key(desk.chat.person, "chat")
    socket = desk.connect(made["key"])
    sent = socket.ask("message.send", client_id=str(uuid.uuid4()), text="Hi")
    assert sent["type"] == "ok", sent


@pytest.mark.parametrize("command", sorted(CHANGES))
def test_a_key_that_may_only_read_changes_nothing(desk: Desk, command: str) -> None:
    socket = desk.connect(make_key(desk.chat.person, "read")["key"])
    refused = socket.ask(command, **CHANGES[command])
    assert (refused["type"], refused["code"]) == ("error", "scope_missing")
    assert socket.ask("ping")["type"] == "ok"
    assert socket.ask("session.open", session_id=NOBODYS)["code"] == "not_found"


def test_a_revoked_key_closes_its_sockets_and_no_others(desk: Desk) -> None:
    person = desk.chat.person
    made = make_key(person, "chat")
    here, there = desk.connect(), desk.connect(made["key"])
    person.client.delete(f"/api/v1/auth/keys/{made['id']}", headers=person.headers)
    gevent.sleep(0)
    assert (here.closed_with, there.closed_with) == (None, close_codes.LOGIN_ENDED)
    assert desk.socket().ask("hello", token=made["key"])["code"] == "unauthorized"


def test_a_socket_does_not_outlive_its_key(desk: Desk) -> None:
    socket = desk.connect(make_key(desk.chat.person, "chat", expires_in_days=1)["key"])
    for late_s in (86_402, 86_440):
        with clock.moved(late_s):
            desk.gateway.deadlines.tick()
    assert socket.closed_with == close_codes.AUTH_EXPIRED


def test_a_made_up_key_says_no_hello(desk: Desk) -> None:
    assert desk.socket().ask("hello", token="zgpt_" + "x" * 43)["code"] == "unauthorized"
