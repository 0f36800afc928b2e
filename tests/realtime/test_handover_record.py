"""What processes say to each other when sockets are handed over, also when one is of another version."""

import msgspec
import pytest

from zgpt.realtime.handover_record import (
    VERSION,
    Ask,
    Batch,
    Done,
    Go,
    Message,
    Parcel,
    RecordError,
    Released,
    Status,
    Taken,
    decode_message,
    decode_record,
    encode_message,
    encode_record,
)

PARCEL = Parcel("id", "10.0.0.0/8", 12.0, 3, 400, 5_000, b"\x81\x7e", b"\x81", b"half", 1, b"state")


def test_a_parcel_arrives_as_it_left() -> None:
    assert decode_record(encode_record(PARCEL), Parcel) == PARCEL


def test_a_record_of_another_version_is_refused_in_words() -> None:
    newer = msgspec.msgpack.encode((VERSION + 1, {"whatever": "it holds"}))
    with pytest.raises(RecordError, match=f"of version {VERSION + 1}; this process reads version {VERSION}"):
        decode_record(newer, Parcel)


def test_a_field_that_came_later_is_ignored() -> None:
    later = msgspec.msgpack.encode((VERSION, (*msgspec.to_builtins(PARCEL, builtin_types=(bytes,)), "more")))
    assert decode_record(later, Parcel) == PARCEL


@pytest.mark.parametrize("data", [b"", b"\xc1", b"nonsense", msgspec.msgpack.encode((VERSION, [1]))])
def test_a_broken_record_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(RecordError, match="broken"):
        decode_record(data, Parcel)


@pytest.mark.parametrize(
    "message",
    [
        Ask(),
        Status(1, "process", 5, 6, leaving=True),
        Released("process"),
        Batch([b"one"]),
        Taken([True, False]),
        Go(),
        Done(),
    ],
)
def test_a_message_arrives_as_it_left(message: Message) -> None:
    assert decode_message(encode_message(message)) == message


def test_a_message_that_this_version_does_not_know_is_refused_in_words() -> None:
    with pytest.raises(RecordError, match="cannot have meant"):
        decode_message(msgspec.msgpack.encode(["sing", 1]))
