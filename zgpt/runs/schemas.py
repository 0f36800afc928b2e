"""Shapes of runs: what comes in is checked here, what goes out is made here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from zgpt.chat.models import Message
from zgpt.chat.schemas import MessageOut, SessionOut, message_json
from zgpt.core.errors import Invalid
from zgpt.core.inputs import Body, Query
from zgpt.runs.models import Run

Json = dict[str, Any]


class NewMessage(Body):
    """A message to send. `client_id` names it: sending it again returns the first one."""

    client_id: UUID = Field(strict=False)
    text: str = Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})


class SentOut(BaseModel):
    """What sending made: the session, the message, and the run that answers it."""

    session_id: str
    message_id: str
    run_id: str
    notice: str | None = None
    """Words that its writer is to be shown beside the answer; left out where there are none."""


class FaultOut(BaseModel):
    """Why a run failed."""

    code: str
    message: str
    retryable: bool


class RunOut(BaseModel):
    """One attempt of a model to write one message."""

    id: str
    status: str
    epoch: int
    error: FaultOut | None
    usage: Json | None
    ends: dict[str, int] | None
    sha256: dict[str, str] | None


class ChangesQuery(Query):
    """The revision of the session that is held; 0 for nothing."""

    since: int = Field(0, ge=0)


class LiveRunOut(BaseModel):
    """A run that has not ended, and its place in the queue."""

    run_id: str
    message_id: str
    status: str
    epoch: int
    place: int | None


class OpenedOut(BaseModel):
    """What somebody lacks of a session. `more`: take this, then ask again with its `revision`."""

    session: SessionOut
    revision: int
    messages: list[MessageOut]
    deleted: list[str]
    runs: list[LiveRunOut]
    more: bool
    before: str | None


class QuotaOut(BaseModel):
    """One quota: what is used, how much there is (`null`: no limit), and when it begins anew."""

    used: float
    limit: float | None
    resets_at: str | None


class QuotasOut(BaseModel):
    """All quotas of the caller."""

    runs: QuotaOut
    tokens: QuotaOut
    cost: QuotaOut


def sent_json(session_id: str, message_id: str, run_id: str, notice: str | None) -> Json:
    """What a send made, over REST and on the socket; `notice` is there only when there is one."""
    made = {"session_id": session_id, "message_id": message_id, "run_id": run_id}
    return {**made, "notice": notice} if notice else made


def run_json(run: Run) -> Json:
    """The Run of REST and of the socket, as it stands inside a Message."""
    return {
        "id": run.id,
        "status": run.status,
        "epoch": run.epoch,
        "error": error_json(run),
        "usage": run.usage,
        "ends": run.ends,
        "sha256": run.sha256,
    }


def error_json(run: Run) -> Json | None:
    """The fault of a failed run, or None."""
    if run.error_code is None:
        return None
    return {"code": run.error_code, "message": run.error_message, "retryable": bool(run.error_retryable)}


def written_json(message: Message, run: Run | None) -> Json:
    """A Message with its run."""
    return message_json(message, run_json(run) if run else None)


def clean_text(text: str, max_bytes: int) -> str:
    """The text of a message; Invalid when it is empty, too long, or holds what no database keeps."""
    if not text.strip():
        raise Invalid("A message needs at least one character.")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        raise Invalid(f"A message has at most {max_bytes} bytes; this one has {size}.", code="too_large", status=413)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Invalid("A message is plain text; this one holds a character that is none.")
    return text
