"""The heads of the audit log that leave the database: each hour one line in a file of INSTANCE_DIR and one in the log.

Who can rewrite the database cannot rewrite them too, least of all in a log that was shipped elsewhere.
"""

from collections.abc import Iterator
from pathlib import Path

import structlog

from zgpt.core.audit_chain import Head, parse_head
from zgpt.core.audit_verify import signed_head
from zgpt.core.config import settings

FILE_NAME = "audit_heads.jsonl"
TAIL_BYTES = 1_024
"""More than one line has."""

log = structlog.get_logger("zgpt.audit")


def heads_path() -> Path:
    """The file of the current app's heads."""
    return settings().instance_dir / FILE_NAME


def export_head() -> bool:
    """Write the head down if the chain has grown since the last one; whether it had."""
    path, head = heads_path(), signed_head()
    end = _end(path)
    if head.sequence == _sequence(end):
        return False
    with path.open("a", encoding="ascii") as file:
        # A line that a full disk cut off must not take this one with it.
        file.write(("\n" if end and not end.endswith(b"\n") else "") + head.to_json() + "\n")
    log.info("audit_head", sequence=head.sequence, hash=head.hash, at_head=head.at, signature=head.signature)
    return True


def read_heads(path: Path) -> Iterator[Head]:
    """The heads in a file, in their order; raises ValueError for what is none, or not in order."""
    last = 0
    with path.open(encoding="ascii") as file:
        for line in filter(str.strip, file):
            head = parse_head(line)
            if head.sequence < last:
                raise ValueError(f"the head of {head.at} stands behind a later one")
            last = head.sequence
            yield head


def _end(path: Path) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read()


def _sequence(end: bytes) -> int:
    """Of the last head in the file; 0 without one that can be read."""
    try:
        return parse_head(end.splitlines()[-1]).sequence if end else 0
    except ValueError:
        log.warning("audit_head_cut_off", path=str(heads_path()))
        return 0
