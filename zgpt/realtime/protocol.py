"""What is said on the socket: untrusted text becomes a typed command, an event becomes bytes; no I/O, no rules.

The names and shapes are the contract with every client and stand, one by one, in docs/protocol.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

PROTOCOL_VERSION = 1
ID_CHARS = 64
"""Longest command id: it is echoed in every answer, so it must not become a way to make us send much."""
HOLDS_PER_OPEN = 16
"""A session has one live run as a rule; sixteen parts are more than any honest client can hold."""

CommandId = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_CHARS)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
PartName = Literal["text", "reasoning"]
Json = dict[str, Any]


class Position(msgspec.Struct, frozen=True):
    """How much of a part a viewer holds: `offset` bytes of `epoch` (opaque to the client)."""

    run_id: UUID
    part: PartName
    epoch: Count
    offset: Count


class Command(msgspec.Struct, frozen=True, tag_field="type"):
    """What a client asks. `id` is the client's own and comes back in the answer."""

    id: CommandId


class Hello(Command, frozen=True, tag="hello"):
    token: Annotated[str, msgspec.Meta(max_length=4096)]


class AuthRefresh(Command, frozen=True, tag="auth.refresh"):
    token: Annotated[str, msgspec.Meta(max_length=4096)]


class SessionOpen(Command, frozen=True, tag="session.open"):
    session_id: UUID
    revision: Count = 0
    holds: Annotated[list[Position], msgspec.Meta(max_length=HOLDS_PER_OPEN)] = []


class SessionClose(Command, frozen=True, tag="session.close"):
    session_id: UUID


class MessageSend(Command, frozen=True, tag="message.send"):
    client_id: UUID
    text: str
    session_id: UUID | None = None


class MessageEdit(Command, frozen=True, tag="message.edit"):
    message_id: UUID
    client_id: UUID
    text: str


class RunStop(Command, frozen=True, tag="run.stop"):
    run_id: UUID


class RunRegenerate(Command, frozen=True, tag="run.regenerate"):
    message_id: UUID


class Ping(Command, frozen=True, tag="ping"):
    pass


AnyCommand = (
    Hello | AuthRefresh | SessionOpen | SessionClose | MessageSend | MessageEdit | RunStop | RunRegenerate | Ping
)
COMMANDS: tuple[type[Command], ...] = (
    Hello,
    AuthRefresh,
    SessionOpen,
    SessionClose,
    MessageSend,
    MessageEdit,
    RunStop,
    RunRegenerate,
    Ping,
)


class Event(msgspec.Struct, frozen=True, tag_field="type"):
    """What the server tells, in the past tense: it happened and is committed."""


class Ok(Event, frozen=True, tag="ok"):
    id: str
    result: Json


class Error(Event, frozen=True, tag="error"):
    id: str | None
    code: str
    message: str
    retryable: bool = False
    retry_after_ms: int | None = None


class MessageCreated(Event, frozen=True, tag="message.created"):
    session_id: str
    revision: int
    message: Json


class MessageDeleted(Event, frozen=True, tag="message.deleted"):
    session_id: str
    message_id: str
    revision: int


class SessionUpdated(Event, frozen=True, tag="session.updated"):
    session: Json
    user_revision: int


class SessionDeleted(Event, frozen=True, tag="session.deleted"):
    session_id: str
    user_revision: int


class RunQueued(Event, frozen=True, tag="run.queued"):
    session_id: str
    run_id: str
    message_id: str
    place: int


class RunStarted(Event, frozen=True, tag="run.started"):
    session_id: str
    run_id: str
    message_id: str
    epoch: int
    model: str


class RunReset(Event, frozen=True, tag="run.reset"):
    session_id: str
    run_id: str
    message_id: str
    epoch: int


class RunCompleted(Event, frozen=True, tag="run.completed"):
    session_id: str
    run_id: str
    message_id: str
    status: Literal["completed", "stopped", "failed"]
    ends: dict[str, int]
    sha256: dict[str, str]
    usage: Json | None
    error: Json | None
    message: Json
    revision: int


class AuthExpiring(Event, frozen=True, tag="auth.expiring"):
    grace_s: float


EVENTS: tuple[type[Event], ...] = (
    Ok,
    Error,
    MessageCreated,
    MessageDeleted,
    SessionUpdated,
    SessionDeleted,
    RunQueued,
    RunStarted,
    RunReset,
    RunCompleted,
    AuthExpiring,
)
"""`run.delta` is not among them: realtime/live.py writes it, for it is made thousands of times a second."""


class BadCommand(msgspec.Struct, frozen=True):
    """A text frame that is no command: why, in a code and in words, and its id where one could be read."""

    id: str | None
    code: Literal["bad_frame", "unknown_command", "invalid"]
    message: str


class _Envelope(msgspec.Struct):
    type: Any = None
    id: Any = None


_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_envelopes = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()
_known = frozenset(command.__struct_config__.tag for command in COMMANDS)


def parse_command(data: bytes) -> AnyCommand | BadCommand:
    """The command in one text frame, or what is wrong with it. Never raises."""
    try:
        return _commands.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as fault:
        return _explain(data, fault)


def encode_event(event: Event) -> bytes:
    """The event as UTF-8 JSON, the payload of one text frame."""
    return _encoder.encode(event)


def _explain(data: bytes, fault: Exception) -> BadCommand:
    try:
        envelope = _envelopes.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return BadCommand(None, "bad_frame", "A frame is one JSON object with a type and an id.")
    command_id = envelope.id if _is_id(envelope.id) else None
    if not isinstance(envelope.type, str) or envelope.type not in _known:
        return BadCommand(command_id, "unknown_command", "This server knows no command of that type.")
    return BadCommand(command_id, "invalid", str(fault)[:200])


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= ID_CHARS
