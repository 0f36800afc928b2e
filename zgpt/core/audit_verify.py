"""Reads the audit log over, line by line: whether it is whole, and holds what signed heads say.

Memory is bounded by a page, whatever the length of the log. Nothing is written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from zgpt.core import audit_chain, clock
from zgpt.core.audit import audit_key
from zgpt.core.audit_chain import GENESIS, MIGRATED, AuditKey, Head, Line
from zgpt.core.db import db
from zgpt.core.models import AuditEvent, AuditHead

PAGE_LINES = 500
_COLUMNS = (
    *(AuditEvent.sequence, AuditEvent.previous_hash, AuditEvent.hash, AuditEvent.key_id),
    *(AuditEvent.id, AuditEvent.at, AuditEvent.kind, AuditEvent.user_id, AuditEvent.ip, AuditEvent.detail),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain is whole; `fault` is empty or says what is wrong with the line after `sequence`, in words."""

    sequence: int
    hash: str
    fault: str = ""
    heads: int = 0
    """How many signed heads it was held against."""
    migrated: int = 0
    """Lines from before the chain, which carry no key."""


def signed_head() -> Head:
    """The head of the chain as it is now, signed. RuntimeError when it is gone."""
    stored = _stored_head()
    if stored is None:
        raise RuntimeError("the audit log has lost its head")
    return audit_chain.signed(audit_key(), *stored, clock.iso(clock.now()))


def verify(heads: Iterable[Head] = ()) -> Verdict:
    """Check every line, the head in the database, and the heads given, which must be in the order of their making."""
    stored = _stored_head()
    walk = _Walk(audit_key(), iter(heads))
    for row in _rows():
        if fault := walk.fault_of(row):
            return walk.verdict(fault)
    return walk.verdict(walk.fault_at_end(stored))


class _Walk:
    """Where the reading stands."""

    def __init__(self, key: AuditKey, heads: Iterator[Head]) -> None:
        self._key, self._heads = key, heads
        self._head = next(heads, None)
        self._matched = self._migrated = self._sequence = 0
        self._hash = GENESIS

    def fault_of(self, row: Any) -> str:
        """What is wrong with this line, or with a head that names it."""
        sequence, previous, stored, key_id, *rest = row
        if sequence != self._sequence + 1:
            return f"line {self._sequence + 1} is missing: after {self._sequence} comes {sequence}"
        if fault := self._fault_of_key(sequence, key_id):
            return fault
        secret = b"" if key_id == MIGRATED else self._key.secret
        if audit_chain.digest(secret, sequence, self._hash, Line(*rest)) != stored or previous != self._hash:
            return f"line {sequence} was changed, or is not the one that was written there"
        self._sequence, self._hash = sequence, stored
        self._migrated += key_id == MIGRATED
        return self._fault_of_heads()

    def fault_at_end(self, stored: tuple[int, str] | None) -> str:
        """What is missing behind the last line."""
        if stored is None:
            return "the head of the chain is missing"
        if stored[0] > self._sequence:
            return f"line {self._sequence + 1} is missing: the chain was cut off, it once ended with line {stored[0]}"
        if self._head is not None:
            return f"line {self._sequence + 1} is missing: a head of {self._head.at} names line {self._head.sequence}"
        return ""

    def verdict(self, fault: str) -> Verdict:
        return Verdict(self._sequence, self._hash, fault, self._matched, self._migrated)

    def _fault_of_key(self, sequence: int, key_id: str) -> str:
        if key_id == MIGRATED and self._migrated == self._sequence:
            return ""
        if key_id == self._key.id:
            return ""
        return f"line {sequence} was written with another key ({key_id or 'none'}) than this one ({self._key.id})"

    def _fault_of_heads(self) -> str:
        while self._head is not None and self._head.sequence <= self._sequence:
            if not audit_chain.is_genuine(self._key, self._head):
                return f"the head of {self._head.at} was not signed with this key ({self._key.id})"
            if self._head.sequence == self._sequence and self._head.hash != self._hash:
                return (
                    f"line {self._sequence} is not the one that the head of {self._head.at} names: the log was replaced"
                )
            self._matched += 1
            self._head = next(self._heads, None)
        return ""


def _stored_head() -> tuple[int, str] | None:
    ours = AuditHead.chain == audit_chain.NAME
    found = db.session.execute(select(AuditHead.sequence, AuditHead.hash).where(ours)).first()
    return (found.sequence, found.hash) if found else None


def _rows() -> Iterator[Any]:
    """All lines by their place, each page in a transaction of its own: a long one would hold old versions of all."""
    place = db.session.scalar(select(func.min(AuditEvent.sequence)))
    while place is not None:
        page = select(*_COLUMNS).where(AuditEvent.sequence >= place).order_by(AuditEvent.sequence).limit(PAGE_LINES)
        rows = db.session.execute(page).all()
        db.session.rollback()
        yield from rows
        place = rows[-1].sequence + 1 if rows else None
