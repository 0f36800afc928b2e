"""Check 12: JSON that is made to break a parser is answered in words, over the socket and over REST."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.security.chats import person
from tests.security.houses import Browser, House
from tests.security.raw import ask
from tests.support.strain import tracebacks
from tests.support.ws_client import Client, Closed
from tests.support.ws_frames import TEXT, encode

PING = b'{"type":"ping","id":"z"}'
ID = b'"id":"z"'
BOMBS: dict[str, bytes] = {
    "brackets": b"[" * 60_000,
    "objects": b'{"a":' * 12_000,
    "whole brackets": b"[" * 30_000 + b"]" * 30_000,
    "deep inside a field": b'{"type":"ping",' + ID + b',"x":' + b"[" * 900 + b"]" * 900 + b"}",
    "very deep inside a field": b'{"type":"ping",' + ID + b',"x":' + b'{"a":' * 9_000 + b"1" + b"}" * 9_000 + b"}",
    "a long number": b'{"type":"session.open",' + ID + b',"revision":' + b"9" * 5_000 + b"}",
    "a long number as the id": b'{"type":"ping","id":' + b"9" * 5_000 + b"}",
    "a large exponent": b'{"type":"session.open",' + ID + b',"revision":1e999999}',
    "NaN": b'{"type":"session.open",' + ID + b',"revision":NaN}',
    "infinity": b'{"type":"session.open",' + ID + b',"revision":-Infinity}',
    "two types": b'{"type":"ping","type":"hello",' + ID + b"}",
    "two ids": b'{"type":"ping","id":"a",' + ID + b"}",
    "ten thousand fields": b"{" + b",".join(b'"k%d":1' % at for at in range(6_000)) + b"}",
    "a lone surrogate": b'{"type":"message.send",' + ID + b',"client_id":"\\ud800","text":"\\udfff"}',
    "a lone surrogate in the id": b'{"type":"ping","id":"\\ud800"}',
    "NUL": b'{"type":"ping","id":"\\u0000"}',
    "a raw NUL": b'{"type":"ping","id":"\x00"}',
    "only NUL": b"\x00" * 100,
    "a byte order mark": b"\xef\xbb\xbf" + PING,
    "no JSON": b"hello",
    "nothing": b"",
    "blanks": b" " * 60_000,
    "an array": b'["ping"]',
    "null": b"null",
    "a type of another type": b'{"type":["ping"],' + ID + b"}",
    "an id of another type": b'{"type":"ping","id":{"$ne":1}}',
    "a long id": b'{"type":"ping","id":"' + b"z" * 65 + b'"}',
    "prototype": b'{"__proto__":{"type":"ping"},"constructor":{},' + ID + b"}",
    "a type from the source": b'{"type":"__class__",' + ID + b"}",
    "a session that is no id": b'{"type":"session.open",' + ID + b',"session_id":"\' OR 1=1 --"}',
    "holds without end": b'{"type":"session.open",' + ID + b',"holds":[' + b"{}," * 15_000 + b"{}]}",
    "two documents": PING + PING,
}
ANSWERS = {"bad_frame", "unknown_command", "invalid", "unauthorized", "not_found"}
BODIES: dict[str, bytes] = {
    **BOMBS,
    "title: a number": b'{"title":1}',
    "title: a list": b'{"title":["a"]}',
    "title: an object": b'{"title":{"$gt":""}}',
    "title: true": b'{"title":true}',
    "title: a long number": b'{"title":' + b"9" * 5_000 + b"}",
    "title: NaN": b'{"title":NaN}',
    "title: a lone surrogate": b'{"title":"\\ud800"}',
    "title: NUL": b'{"title":"\\u0000"}',
    "title: bad UTF-8": b'{"title":"\xff"}',
    "deep": b'{"title":' + b"[" * 100_000,
    "fifty thousand objects": b'{"a":' * 50_000,
    "UTF-16": '{"title":"a"}'.encode("utf-16"),
    "UTF-32": '{"title":"a"}'.encode("utf-32"),
}


@pytest.fixture(scope="module")
def attacker(open_house: House) -> Iterator[Browser]:
    """Who sends them; in the end the log is read."""
    yield person(open_house)
    assert tracebacks(open_house.server) == []


def answers(socket: Client) -> list[dict[str, Any]]:
    """What came back before the answer to a ping that was sent last."""
    found: list[dict[str, Any]] = []
    for event in socket.events(10):
        if event.get("id") == "last":
            return found
        found.append(event)
    raise Closed(1006, "no answer to the ping")


@pytest.mark.parametrize("signed_in", [False, True], ids=["before-hello", "after-hello"])
@pytest.mark.parametrize("name", BOMBS)
def test_sec_12_the_socket_answers_a_bomb_in_words(
    open_house: House, attacker: Browser, name: str, signed_in: bool
) -> None:
    with closing(Client(open_house.server.url).connect()) as socket:
        if signed_in:
            socket.hello(attacker.token)
        socket.send_frame(BOMBS[name])
        socket.send({"type": "ping", "id": "last"})
        (told,) = answers(socket)
        assert told["type"] == "ok" or told["code"] in ANSWERS
        assert len(str(told)) < 1_000


@pytest.mark.parametrize(
    "bomb", [b"[" * 100_000, b'{"a":' * 50_000, b" " * 65_537], ids=["brackets", "objects", "blanks"]
)
def test_sec_12_a_bomb_beyond_a_frame_is_told_its_size_before_it_is_read(open_house: House, bomb: bytes) -> None:
    with closing(Client(open_house.server.url).connect()) as socket:
        # What is sent behind the refusal would turn the close into a reset.
        socket.send_bytes(encode(TEXT, bomb)[:60_000])
        assert socket.wait_closed(5).code == 1009


@pytest.mark.parametrize("data", [b"\xff\xfe", b'{"type":"\xed\xa0\x80"}', b"\xc0\xaf"])
def test_sec_12_text_that_is_no_utf8_closes_the_socket(open_house: House, data: bytes) -> None:
    with closing(Client(open_house.server.url).connect()) as socket:
        socket.send_frame(data)
        assert socket.wait_closed(5).code == 1007


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/auth/login"])
@pytest.mark.parametrize("name", BODIES)
def test_sec_12_rest_answers_a_bomb_in_words(open_house: House, attacker: Browser, name: str, path: str) -> None:
    fields = {"Content_Type": "application/json", "Authorization": f"Bearer {attacker.token}"}
    answer = ask(open_house.server, path, "POST", BODIES[name], **fields)
    assert answer.status in {400, 413, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.body) < 2_000


@pytest.mark.parametrize(
    "query", ["limit=1e9", "limit=-1", "limit=99999999999999999999", "since=NaN", "before=%00", "before=%ff%fe"]
)
def test_sec_12_a_query_of_wrong_types_is_answered_in_words(open_house: House, attacker: Browser, query: str) -> None:
    answer = ask(open_house.server, f"/api/v1/sessions?{query}", Authorization=f"Bearer {attacker.token}")
    assert answer.status in {400, 422}
