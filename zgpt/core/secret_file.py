"""A file with a secret: made once, whoever starts first, and read by its owner only. What is in it, others know."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of the file; made (mode 0600) if there is none. Raises OSError when it cannot be read."""
    if not path.exists():
        _write_once(path, make())
    return path.read_bytes()


def replace_whole(path: Path, content: bytes) -> None:
    """Put this in the place of the file: who reads it meanwhile finds the old or the new one, never a part."""
    _draft(path, content).replace(path)


def _write_once(path: Path, content: bytes) -> None:
    """Several workers may start at once: each writes a file of its own, and the first to link it wins."""
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
