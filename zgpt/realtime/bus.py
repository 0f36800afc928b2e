"""What processes say to each other over Redis: messages to bytes and back, and the names of channels and keys; no I/O.

Every name that crosses a process stands here. A message of an unknown kind is ignored by whoever gets it: during a
rolling deploy old and new processes listen to the same channels.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import RunCompleted

PARTITIONS = 8
"""Channels that the users are spread over: one subscription to all of them per process, eight to shard by."""
KEPT_S = 60
"""The text of an ended run stays this long: a viewer that joins at the end reads it here or in the database."""
LIVE_S = 86_400
"""The text of a run that never ended (its process died and nobody took it up) goes after a day."""
LEASE_MS = 5_000
"""A process that has not renewed its key for this long is dead, and its runs are taken over."""
RENEW_S = 1.5
"""Three renewals fit into the lease: one lost packet must not look like a death."""


ORIGIN_WITHIN = 64
"""The first bytes of a message hold its kind and its origin."""


class BusMessage(msgspec.Struct, frozen=True, tag_field="k", array_like=True):
    """`origin` is the process that says it, which has delivered it to itself already.

    Written as arrays, for they are made for every token: a new field goes last and has a default.
    """

    origin: str


class Beat(BusMessage, frozen=True, tag="beat"):
    """This process lives. Each one hears its own, so that a silence means that its subscription is dead."""


class RunsReleased(BusMessage, frozen=True, tag="free"):
    """This process ends and has let go of its runs: whoever can, takes them."""


class RunOpened(BusMessage, frozen=True, tag="open"):
    """An epoch has begun; its kept text (`size` bytes) is in the log."""

    head: RunHead
    size: int


class TextAppended(BusMessage, frozen=True, tag="text"):
    head: RunHead
    part: str
    at: int
    data: bytes


class Positions(BusMessage, frozen=True, tag="at"):
    """Where the parts of live runs are now, said every few seconds: who has less has lost a message."""

    runs: list[tuple[RunHead, dict[str, int]]]


class RunEnded(BusMessage, frozen=True, tag="end"):
    head: RunHead
    end: RunCompleted


class RunDropped(BusMessage, frozen=True, tag="drop"):
    run_id: str
    epoch: int


class EventPublished(BusMessage, frozen=True, tag="event"):
    user_id: str
    session_id: str | None
    payload: bytes


class LoginRevoked(BusMessage, frozen=True, tag="revoke"):
    user_id: str
    login_id: str | None
    code: int


class StopRequested(BusMessage, frozen=True, tag="stop"):
    run_id: str


AnyMessage = (
    Beat
    | RunsReleased
    | RunOpened
    | TextAppended
    | Positions
    | RunEnded
    | RunDropped
    | EventPublished
    | LoginRevoked
    | StopRequested
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: AnyMessage) -> bytes:
    return _encoder.encode(message)


def decode(data: bytes) -> AnyMessage | None:
    """The message, or None for what this version does not know."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_of(data: bytes, origin: bytes) -> bool:
    """Whether this process said it, seen without decoding: every process hears itself, for every token."""
    return origin in data[:ORIGIN_WITHIN]


def channel(key: str) -> str:
    """The channel of a user (or of a run, for its stop)."""
    return f"zgpt:bus:{crc32(key.encode()) % PARTITIONS}"


def channels() -> list[str]:
    return [f"zgpt:bus:{number}" for number in range(PARTITIONS)]


def run_key(run_id: str) -> str:
    """A hash: `fence` is the epoch that may write, `opened` the one whose text is there to read."""
    return f"zgpt:run:{{{run_id}}}"


def part_key(run_id: str, epoch: int, part: str) -> str:
    """The text of one part. A zombie's epoch is in its key: it writes where nobody reads."""
    return f"zgpt:run:{{{run_id}}}:{epoch}:{part}"


def process_key(process_id: str) -> str:
    """Exists while the process lives."""
    return f"zgpt:process:{process_id}"
