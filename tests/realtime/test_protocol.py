"""Frames to commands and events to bytes: what is taken, and what every fault is called."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zgpt.realtime import protocol
from zgpt.realtime.protocol import BadCommand, encode_event, parse_command

UUID = "0190b3a4-0000-7000-8000-000000000001"


def _parse(**fields: Any) -> object:
    return parse_command(json.dumps(fields).encode())


def test_a_command_is_parsed_into_its_type() -> None:
    command = _parse(type="message.send", id="7", session_id=None, client_id=UUID, text="Hi")
    assert isinstance(command, protocol.MessageSend)
    assert (command.id, str(command.client_id), command.text, command.session_id) == ("7", UUID, "Hi", None)


def test_a_field_that_nobody_knows_is_ignored() -> None:
    assert _parse(type="ping", id="1", later="x") == protocol.Ping("1")


def test_every_command_is_in_the_decoder_and_no_other() -> None:
    listed = {command.__struct_config__.tag for command in protocol.COMMANDS}
    assert listed == {command.__struct_config__.tag for command in protocol.Command.__subclasses__()}
    for tag in listed:
        answer = _parse(type=tag, id="1")
        assert not isinstance(answer, BadCommand) or answer.code == "invalid"


def test_every_event_is_listed() -> None:
    written_here = {event for event in protocol.Event.__subclasses__() if event.__module__ == protocol.__name__}
    assert set(protocol.EVENTS) == written_here


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"hello",
        b"[]",
        b'"ping"',
        b"1",
        b"null",
        b'{"type":"ping","id":"1"',
        b'{"type":"ping","id":"1"}{}',
        b'{"type":"ping","id":NaN}',
        b'{"type":"ping","id":"\\ud800"}',
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"a":' * 10_000,
        b'{"type":"ping","id":' + b"9" * 5_000 + b"}",
    ],
    ids=lambda frame: repr(frame[:24]),
)
def test_what_is_no_json_object_is_a_bad_frame(frame: bytes) -> None:
    answer = parse_command(frame)
    assert isinstance(answer, BadCommand)
    assert (answer.code, answer.id) == ("bad_frame", None)


@pytest.mark.parametrize("kind", ["", "message", "Ping", "ok", "run.delta", "__class__", None, 7, ["ping"], {"a": 1}])
def test_a_type_that_is_none_of_ours_is_an_unknown_command(kind: object) -> None:
    answer = _parse(type=kind, id="5")
    assert isinstance(answer, BadCommand)
    assert (answer.code, answer.id) == ("unknown_command", "5")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "hello", "id": "1"},
        {"type": "hello", "id": "1", "token": 5},
        {"type": "hello", "id": "1", "token": "x" * 4097},
        {"type": "session.open", "id": "1", "session_id": "7"},
        {"type": "session.open", "id": "1", "session_id": UUID, "revision": -1},
        {"type": "session.open", "id": "1", "session_id": UUID, "revision": 1.5},
        {"type": "session.open", "id": "1", "session_id": UUID, "revision": "1"},
        {"type": "session.open", "id": "1", "session_id": UUID, "revision": True},
        {"type": "session.open", "id": "1", "session_id": UUID, "revision": 2**53 + 1},
        {"type": "session.open", "id": "1", "session_id": UUID, "holds": {}},
        {"type": "session.open", "id": "1", "session_id": UUID, "holds": [{"run_id": UUID}]},
        {"type": "message.send", "id": "1", "client_id": UUID, "text": None},
        {"type": "message.send", "id": "1", "client_id": "", "text": "x"},
        {"type": "run.stop", "id": "1", "run_id": ["x"]},
    ],
    ids=json.dumps,
)
def test_a_field_that_is_missing_or_of_another_type_is_invalid(fields: dict[str, object]) -> None:
    answer = _parse(**fields)
    assert isinstance(answer, BadCommand)
    assert (answer.code, answer.id) == ("invalid", "1")
    assert answer.message


def test_more_holds_than_anyone_needs_are_invalid() -> None:
    hold = {"run_id": UUID, "part": "text", "epoch": 1, "offset": 0}
    assert isinstance(_parse(type="session.open", id="1", session_id=UUID, holds=[hold] * 16), protocol.SessionOpen)
    answer = _parse(type="session.open", id="1", session_id=UUID, holds=[hold] * 17)
    assert isinstance(answer, BadCommand)
    assert answer.code == "invalid"


def test_a_hold_of_a_part_that_does_not_exist_is_invalid() -> None:
    hold = {"run_id": UUID, "part": "secret", "epoch": 1, "offset": 0}
    assert isinstance(_parse(type="session.open", id="1", session_id=UUID, holds=[hold]), BadCommand)


@pytest.mark.parametrize("command_id", ["", "x" * 65, 5, None, {}])
def test_an_id_that_cannot_be_echoed_is_not_echoed(command_id: object) -> None:
    answer = _parse(type="ping", id=command_id)
    assert answer == BadCommand(None, "invalid", answer.message if isinstance(answer, BadCommand) else "")


def test_a_command_without_an_id_is_invalid() -> None:
    answer = _parse(type="ping")
    assert isinstance(answer, BadCommand)
    assert (answer.code, answer.id) == ("invalid", None)


def test_the_words_of_a_fault_are_short_whatever_was_sent() -> None:
    answer = _parse(type="session.open", id="1", session_id=UUID, holds=[{"part": "x" * 5_000, "run_id": UUID}])
    assert isinstance(answer, BadCommand)
    assert len(answer.message) <= 200


def test_a_frame_that_names_two_types_is_refused() -> None:
    answer = parse_command(b'{"type":"run.stop","type":"ping","id":"1"}')
    assert isinstance(answer, BadCommand)
    assert answer.code == "invalid"


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    answer = parse_command(data)
    assert isinstance(answer, BadCommand | protocol.Command)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(-1e9, 1e9), st.text(max_size=5))
JSON_VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
)
FIELDS = st.sampled_from(
    ["id", "token", "session_id", "revision", "holds", "client_id", "text", "run_id", "message_id"]
)


@given(st.sampled_from(protocol.COMMANDS), st.dictionaries(FIELDS, JSON_VALUES, max_size=4))
def test_no_fields_make_the_parser_raise(command: type[protocol.Command], fields: dict[str, object]) -> None:
    frame = json.dumps({**fields, "type": command.__struct_config__.tag}).encode()
    answer = parse_command(frame)
    assert isinstance(answer, protocol.Command) or answer.code in {"invalid", "bad_frame"}


def test_an_event_is_utf8_json_that_begins_with_its_type() -> None:
    data = encode_event(protocol.Error("1", "invalid", "Zu spät", True, 20))
    assert data.startswith(b'{"type":"error",')
    assert msgspec.json.decode(data) == {
        "type": "error",
        "id": "1",
        "code": "invalid",
        "message": "Zu spät",
        "retryable": True,
        "retry_after_ms": 20,
    }


def test_an_error_says_all_its_fields_even_where_they_are_empty() -> None:
    assert set(msgspec.json.decode(encode_event(protocol.Error(None, "bad_frame", "No.")))) == {
        "type",
        "id",
        "code",
        "message",
        "retryable",
        "retry_after_ms",
    }
