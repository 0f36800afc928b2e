"""What processes say to each other when sockets are handed over: messages to bytes and back; no I/O.

A process of another version may be at the other end during a deploy. It says its version first, and every record of a
connection begins with one: what is not understood is refused in words, and those clients come back by themselves.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

VERSION: Final = 1
"""Raise it when a field changes its meaning. A new field goes last, has a default and needs no new version."""

T = TypeVar("T", bound=msgspec.Struct)


class RecordError(ValueError):
    """A record or a message that cannot be read, and why."""


class Ask(msgspec.Struct, frozen=True, tag="ask", array_like=True):
    """Say who you are."""


class Status(msgspec.Struct, frozen=True, tag="status", array_like=True):
    """Who listens here. `leaving`: it takes nothing any more."""

    version: int
    process_id: str
    started_ms: int
    connections: int
    leaving: bool


class Released(msgspec.Struct, frozen=True, tag="released", array_like=True):
    """The runs of this process have no owner any more: take them, then say Done."""

    process_id: str


class Batch(msgspec.Struct, frozen=True, tag="batch", array_like=True):
    """Connections; their descriptors travel with this message, in the same order."""

    records: list[bytes]


class Taken(msgspec.Struct, frozen=True, tag="taken", array_like=True):
    """Which of them are taken as soon as Go is said."""

    taken: list[bool]


class Go(msgspec.Struct, frozen=True, tag="go", array_like=True):
    """Those are yours: nobody else writes to them any more."""


class Done(msgspec.Struct, frozen=True, tag="done", array_like=True):
    pass


Message = Ask | Status | Released | Batch | Taken | Go | Done
_messages: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_encode = msgspec.msgpack.encode
_versions = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """One connection between two frames or in the middle of one; `state` is its handler's."""

    id: str
    network: str
    open_s: float
    messages_in: int
    bytes_in: int
    bytes_out: int
    unsent: bytes
    """What the peer must get before anything else: it may begin in the middle of a frame."""
    unread: bytes
    """What was read and not parsed: the beginning of a frame, or frames that had no turn yet."""
    fragments: bytes
    """The payload so far of a message in fragments, and its opcode (0: there is none)."""
    fragments_of: int
    state: bytes


def encode_message(message: Message) -> bytes:
    return _encode(message)


def decode_message(data: bytes) -> Message:
    """Raises RecordError for what this version does not know."""
    try:
        return _messages.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise RecordError(f"a message that process cannot have meant: {fault}") from None


def encode_record(record: msgspec.Struct) -> bytes:
    """A record with its version."""
    return _encode((VERSION, record))


def decode_record(data: bytes, kind: type[T]) -> T:
    """The record; raises RecordError, in words, when it is of another version or broken."""
    try:
        version, raw = _versions.decode(data)
        if version != VERSION:
            raise RecordError(f"a record of version {version}; this process reads version {VERSION}")
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise RecordError(f"a record that is broken: {fault}") from None
