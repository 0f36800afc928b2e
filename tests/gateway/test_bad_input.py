"""Every bad frame and command over a real socket to a real server: told in words, nobody else disturbed."""

import json
import struct
import uuid
from collections.abc import Iterator

import pytest

from tests.gateway.conftest import House
from tests.support import ws_frames
from tests.support.visitor import Visitor
from tests.support.ws_client import Client, CommandFailed

FRAME_BYTES = 65_536
MESSAGE_BYTES = 32_768


@pytest.fixture(scope="module")
def visitor(house: House) -> Visitor:
    return house.visit()


@pytest.fixture
def client(house: House, visitor: Visitor) -> Iterator[Client]:
    with house.connect(visitor) as connected:
        yield connected


@pytest.fixture(autouse=True)
def _the_server_goes_on(house: House, visitor: Visitor) -> Iterator[None]:
    """Whatever a test sends, somebody else on the same server is answered, and nothing of ours broke."""
    with house.connect(visitor) as bystander:
        yield
        assert bystander.command("ping") == {}
    assert "Traceback" not in house.server.log.read_text()


def _send_text(client: Client, text: str) -> dict[str, object]:
    return client.command("message.send", session_id=None, client_id=str(uuid.uuid4()), text=text)


def _header(opcode: int, size: int, *, masked: bool = True, fin: bool = True, reserved: int = 0) -> bytes:
    first = opcode | (0x80 if fin else 0) | reserved
    mask = b"\x01\x02\x03\x04" if masked else b""
    bit = 0x80 if masked else 0
    if size < 126:
        return bytes([first, bit | size]) + mask
    if size < 1 << 16:
        return bytes([first, bit | 126]) + struct.pack(">H", size) + mask
    return bytes([first, bit | 127]) + struct.pack(">Q", size) + mask


BROKEN_FRAMES = {
    "a byte too long": (ws_frames.encode(1, b"x" * (FRAME_BYTES + 1)), 1009),
    "two fragments too long together": (
        ws_frames.encode(1, b"x" * 40_000, fin=False) + ws_frames.encode(0, b"x" * 40_000),
        1009,
    ),
    "a declared length of a terabyte": (_header(1, 1 << 40), 1009),
    "a 126 byte ping": (_header(9, 126) + b"x" * 126, 1002),
    "a fragmented ping": (_header(9, 1, fin=False) + b"x", 1002),
    "no mask": (_header(1, 2, masked=False) + b"{}", 1002),
    "reserved bits": (_header(1, 2, reserved=0x40) + b"{}", 1002),
    "an unknown opcode": (_header(3, 2) + b"{}", 1002),
    "a continuation of nothing": (_header(0, 2) + b"{}", 1002),
    "a message inside a message": (ws_frames.encode(1, b"a", fin=False) + ws_frames.encode(1, b"b"), 1002),
    "broken UTF-8": (ws_frames.encode(1, b"\xff\xfe\xfd"), 1007),
    "UTF-8 cut at the end": (ws_frames.encode(1, "é".encode()[:1]), 1007),
    "binary": (ws_frames.encode(2, b"\0\1"), 1003),
    "a close code that nobody may send": (ws_frames.encode(8, struct.pack(">H", 1005)), 1002),
}


@pytest.mark.parametrize("name", BROKEN_FRAMES)
def test_a_broken_frame_closes_with_the_code_that_says_why(client: Client, name: str) -> None:
    raw, code = BROKEN_FRAMES[name]
    client.send_bytes(raw)
    closed = client.wait_closed()
    assert closed.code == code
    assert closed.reason


def test_a_hundred_empty_fragments_are_one_message(client: Client) -> None:
    raw = ws_frames.encode(1, b'{"type":"ping",', fin=False)
    raw += b"".join(ws_frames.encode(0, b"", fin=False) for _ in range(100))
    client.send_bytes(raw + ws_frames.encode(0, b'"id":"late"}'))
    assert client.event() == {"type": "ok", "id": "late", "result": {}}


def test_a_whole_message_in_many_fragments_is_understood(client: Client) -> None:
    data = json.dumps({"type": "ping", "id": "é"}, ensure_ascii=False).encode()
    pieces = [data[at : at + 1] for at in range(len(data))]
    for index, piece in enumerate(pieces):
        client.send_frame(piece, 0 if index else 1, fin=index == len(pieces) - 1)
    assert client.event() == {"type": "ok", "id": "é", "result": {}}


BOMBS = {
    "100,000 brackets": b"[" * 60_000,
    "nested objects": b'{"a":' * 10_000,
    "depth 900 inside a field": b'{"type":"ping","id":"1","x":' + b"[" * 900 + b"]" * 900 + b"}",
    "5,000 digits": b'{"type":"ping","id":' + b"9" * 5_000 + b"}",
    "a huge exponent": b'{"type":"session.open","id":"1","session_id":"x","revision":1e99999}',
    "NaN": b'{"type":"ping","id":NaN}',
    "a lone surrogate": b'{"type":"message.send","id":"1","client_id":"x","text":"\\ud800"}',
    "not JSON": b"GET / HTTP/1.1",
    "nothing": b"",
    "an array": b"[1]",
    "an unknown type": b'{"type":"admin.drop","id":"1"}',
    "no type": b'{"id":"1"}',
    "types all wrong": b'{"type":"message.send","id":"1","client_id":[],"text":{},"session_id":5}',
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_frame_that_is_no_command_is_an_error_and_the_socket_survives(client: Client, name: str) -> None:
    client.send_frame(BOMBS[name])
    answer = client.event()
    if name != "depth 900 inside a field":
        assert (answer["type"], answer["retryable"]) == ("error", False)
        assert answer["code"] in {"bad_frame", "unknown_command", "invalid"}
    assert client.command("ping") == {}


def test_commands_before_hello_are_unauthorized_until_the_deadline_closes(house: House) -> None:
    with house.connect() as client:
        with pytest.raises(CommandFailed, match="unauthorized"):
            client.command("ping")
        with pytest.raises(CommandFailed, match="unauthorized"):
            _send_text(client, "Hi")
        closed = client.wait_closed(8)
    assert closed.code == 4003
    assert closed.reason


@pytest.mark.parametrize("text", ["", "  \n ", "a\0b"], ids=repr)
def test_a_message_without_text_is_invalid(client: Client, text: str) -> None:
    with pytest.raises(CommandFailed) as fault:
        _send_text(client, text)
    assert fault.value.code == "invalid"
    assert fault.value.frame["message"]


def test_a_message_that_is_too_long_is_told_its_size_and_the_longest_one_goes_through(client: Client) -> None:
    with pytest.raises(CommandFailed) as fault:
        _send_text(client, "x" * (MESSAGE_BYTES + 1))
    assert fault.value.code == "too_large"
    assert str(MESSAGE_BYTES) in fault.value.frame["message"]
    assert _send_text(client, "é" * (MESSAGE_BYTES // 2))["run_id"]


def test_a_message_of_100_kilobytes_is_too_big_for_a_frame_and_closes_in_words(client: Client) -> None:
    client.send({"type": "message.send", "id": "1", "client_id": str(uuid.uuid4()), "text": "x" * 100_000})
    closed = client.wait_closed()
    assert closed.code == 1009
    assert closed.reason


def test_a_thousand_commands_a_second_are_refused_and_in_the_end_sent_away(client: Client) -> None:
    ping = ws_frames.encode(1, b'{"type":"ping","id":"1"}')
    client.send_bytes(ping * 1_200)
    answers: dict[str, int] = {}
    for event in client.events():
        name = str(event.get("code", event["type"]))
        answers[name] = answers.get(name, 0) + 1
        if event["type"] == "error":
            assert event["retryable"]
            assert event["retry_after_ms"] > 0
    assert client.closed
    assert client.closed.code == 4029
    assert answers["ok"] >= 50
    assert 900 <= answers["rate_limited"] <= 1_000


def test_a_short_burst_is_answered_whole(client: Client) -> None:
    client.send_bytes(ws_frames.encode(1, b'{"type":"ping","id":"1"}') * 50)
    assert {client.event()["type"] for _ in range(50)} == {"ok"}
