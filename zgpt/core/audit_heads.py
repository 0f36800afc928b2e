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
    last = _last(path)
    if head.sequence == (last.sequence if last else 0):
        return False
    with path.open("a", encoding="ascii") as file:
        file.write(head.to_json() + "\n")
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


def _last(path: Path) -> Head | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = file.read().splitlines()
    return parse_head(lines[-1]) if lines else None
