"""Two devices of one person on a real server: what one does, the other sees; and signing out closes sockets."""

import json
import uuid
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.gateway.conftest import House
from tests.support.people import PASSWORD
from tests.support.transcript import Transcript
from tests.support.visitor import Visitor
from tests.support.ws_client import Client, HandshakeRefused

QUESTION = "count:40@100"
ANSWER = "".join(f"{n} " for n in range(40))


@pytest.fixture
def visitor(house: House) -> Visitor:
    return house.visit()


def _send(client: Client, text: str, session_id: str | None = None) -> dict[str, str]:
    sent: dict[str, str] = client.command("message.send", session_id=session_id, client_id=str(uuid.uuid4()), text=text)
    return sent


def _call(visitor: Visitor, method: str, path: str, body: object = None) -> int:
    address = urlsplit(visitor.url)
    headers = {"Authorization": f"Bearer {visitor.token}", "Content-Type": "application/json"}
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=10)) as connection:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse().status


def _follow(client: Client, transcript: Transcript, run_id: str) -> None:
    while run_id not in transcript.completed:
        assert not transcript.apply(client.event(10)), "it had to ask again"


def test_a_second_device_sees_the_new_session_opens_it_in_mid_stream_and_misses_nothing(
    house: House, visitor: Visitor
) -> None:
    with house.connect(visitor) as phone, house.connect(visitor) as laptop:
        sent = _send(phone, QUESTION)
        assert laptop.wait_for("session.updated")["session"]["id"] == sent["session_id"]
        phone.wait_for("run.delta")
        transcript = Transcript()
        transcript.opened(laptop.command("session.open", session_id=sent["session_id"], revision=0, holds=[]))
        _follow(laptop, transcript, sent["run_id"])
    assert transcript.text(sent["run_id"]) == ANSWER
    assert transcript.revision == 3


def test_a_message_of_one_device_is_created_on_the_other(house: House, visitor: Visitor) -> None:
    with house.connect(visitor) as phone, house.connect(visitor) as laptop:
        first = _send(phone, "echo:One")
        phone.wait_for("run.completed")
        laptop.command("session.open", session_id=first["session_id"])
        second = _send(phone, "echo:Two", first["session_id"])
        question = laptop.wait_for("message.created")
        answer = laptop.wait_for("message.created")
        assert (question["message"]["id"], question["message"]["text"]) == (second["message_id"], "echo:Two")
        assert (answer["message"]["run"]["id"], answer["message"]["run"]["status"]) == (second["run_id"], "queued")
        assert laptop.wait_for("run.completed")["message"]["text"] == "Two"


def test_one_device_stops_what_the_other_asked(house: House, visitor: Visitor) -> None:
    with house.connect(visitor) as phone, house.connect(visitor) as laptop:
        sent = _send(phone, "count:1000@50")
        phone.wait_for("run.delta")
        laptop.command("run.stop", run_id=sent["run_id"])
        assert phone.wait_for("run.completed", timeout_s=2)["status"] == "stopped"


def test_a_rename_and_a_deletion_reach_the_other_device(house: House, visitor: Visitor) -> None:
    with house.connect(visitor) as phone, house.connect(visitor) as laptop:
        sent = _send(phone, "echo:One")
        phone.wait_for("run.completed")
        session = f"/api/v1/sessions/{sent['session_id']}"
        assert _call(visitor, "PATCH", session, {"title": "Bees"}) == 200
        while laptop.wait_for("session.updated")["session"]["title"] != "Bees":
            pass
        assert _call(visitor, "DELETE", session) == 204
        assert laptop.wait_for("session.deleted")["session_id"] == sent["session_id"]


def test_a_session_deleted_in_mid_stream_ends_the_stream_upstream_too(house: House, visitor: Visitor) -> None:
    before = house.model.stats()["cancelled"]
    with house.connect(visitor) as phone:
        sent = _send(phone, "count:1000@50")
        phone.wait_for("run.delta")
        assert _call(visitor, "DELETE", f"/api/v1/sessions/{sent['session_id']}") == 204
        phone.wait_for("session.deleted")
        phone.command("ping")
        phone.take_events()
        with pytest.raises(TimeoutError):
            phone.event(0.5)
    assert house.model.stats()["cancelled"] == before + 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/auth/logout", None),
        ("POST", "/api/v1/auth/logout-all", None),
        ("DELETE", "/api/v1/auth/me", {"password": PASSWORD}),
    ],
)
def test_signing_out_closes_the_sockets_within_a_second(
    house: House, visitor: Visitor, method: str, path: str, body: object
) -> None:
    stranger = house.visit()
    with house.connect(visitor) as phone, house.connect(visitor) as laptop, house.connect(stranger) as bystander:
        _send(phone, "count:1000@50")
        phone.wait_for("run.delta")
        assert _call(visitor, method, path, body) == 204
        for client in (phone, laptop):
            closed = client.wait_closed(1)
            assert closed.code == 4501
            assert closed.reason
        assert bystander.command("ping") == {}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example", "https://127.0.0.1"]
)
def test_a_page_of_another_site_gets_no_socket(house: House, origin: str) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        house.connect(origin=origin)
    assert refused.value.status == 403


def test_our_own_page_gets_one(house: House, visitor: Visitor) -> None:
    with house.connect(origin=house.url) as client:
        assert client.hello(visitor.token)["protocol"] == 1
