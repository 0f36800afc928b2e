"""The chain of the audit log: how a line becomes bytes, how it is hashed, how its head is signed. Pure, no database.

`hash = HMAC-SHA-256(key, canonical(sequence, hash of the line before, line))`. The form is kept for ever: a line that
was hashed once must hash to the same in every later version (docs/decisions/0015-audit-chain.md).
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

NAME = "main"
GENESIS = "0" * 64
"""Stands for the hash of the line before the first."""
MIGRATED = ""
"""The key id of lines that are older than the chain: the migration hashed them, without a key."""
_FORM = "zgpt-audit-1"
_HEAD_FORM = "zgpt-audit-head-1"


@dataclass(frozen=True, slots=True)
class AuditKey:
    """The secret of an installation's audit log; `id` names it without telling anything of it."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return hashlib.sha256(b"zgpt audit key id" + self.secret).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Line:
    """What one line tells."""

    id: str
    at: datetime
    kind: str
    user_id: str | None
    ip: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of the chain at some time: whoever keeps one notices when the chain has become shorter."""

    sequence: int
    hash: str
    at: str
    key_id: str
    signature: str = ""

    def to_json(self) -> str:
        """One line."""
        return msgspec.json.encode(self).decode()


def canonical(sequence: int, previous: str, line: Line) -> bytes:
    """The bytes that are hashed: a JSON array in ASCII, names sorted, times in UTC with microseconds."""
    at = line.at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = [_FORM, sequence, previous, line.id, at, line.kind, line.user_id, line.ip, line.detail]
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(secret: bytes, sequence: int, previous: str, line: Line) -> str:
    """The hash of a line, in hex; of a migrated one, whose secret is empty, plain SHA-256."""
    text = canonical(sequence, previous, line)
    return hmac.digest(secret, text, hashlib.sha256).hex() if secret else hashlib.sha256(text).hexdigest()


def signed(key: AuditKey, sequence: int, hash_: str, at: str) -> Head:
    """A head that only who holds the key can make."""
    return Head(sequence, hash_, at, key.id, _signature(key, sequence, hash_, at))


def parse_head(text: str | bytes) -> Head:
    """The head on one line; raises ValueError."""
    try:
        return msgspec.json.decode(text, type=Head)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a head of an audit log: {error}") from None


def is_genuine(key: AuditKey, head: Head) -> bool:
    """Whether a head was signed with this key."""
    return hmac.compare_digest(_signature(key, head.sequence, head.hash, head.at), head.signature)


def _signature(key: AuditKey, sequence: int, hash_: str, at: str) -> str:
    text = json.dumps([_HEAD_FORM, sequence, hash_, at], separators=(",", ":"))
    return hmac.digest(key.secret, text.encode(), hashlib.sha256).hex()
