"""What is asked of a server whose database is away, how it is refused, and asked again. No test stands here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.model_process import counted
from tests.support.processes import polls
from tests.support.ws_client import Client, CommandFailed

COUNTED = counted(60)
PATIENCE_S = 15.0


def question(text: str) -> dict[str, Any]:
    return {"session_id": None, "client_id": str(uuid.uuid4()), "text": text}


@contextmanager
def refused() -> Iterator[None]:
    """What is asked in this block is refused as something that may be asked again."""
    with pytest.raises(CommandFailed) as fault:
        yield
    assert _may_be_repeated(fault.value), fault.value.frame


def patiently(client: Client, command: dict[str, Any]) -> dict[str, Any]:
    """Repeat a command as its errors say that one may."""
    for _ in polls(PATIENCE_S):
        try:
            return client.command("message.send", **command)
        except CommandFailed as fault:
            if not _may_be_repeated(fault):
                raise
    raise TimeoutError("it never succeeded")


def _may_be_repeated(fault: CommandFailed) -> bool:
    return (fault.code, fault.frame["retryable"]) == ("unavailable", True)
