"""Shapes of sessions and messages: what comes in is checked here, what goes out is made here. Not the frames."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.inputs import Body, Query

TITLE_CHARS = 200
PAGE_ITEMS = 50
MAX_PAGE_ITEMS = 200
MAX_REVISION = 2**31 - 1
"""The largest value of the revision columns."""

Json = dict[str, Any]
RunJson = Mapping[str, Any]


def clean_title(text: str) -> str:
    """The title without the white space around it; ValueError unless 1 to 200 printable characters are left."""
    title = text.strip()
    if not title:
        raise ValueError("a title has at least one character")
    if len(title) > TITLE_CHARS:
        raise ValueError(f"a title has at most {TITLE_CHARS} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in title):
        raise ValueError("a title has no control characters")
    return title


Title = Annotated[str, AfterValidator(clean_title), Field(json_schema_extra={"minLength": 1, "maxLength": TITLE_CHARS})]


class NewSession(Body):
    """A session to create; without a title one is made from the first exchange."""

    title: Title | None = None


class Rename(Body):
    """The new title of a session."""

    title: Title


class SessionListQuery(Query):
    """A page of sessions by `before`, or what changed after the revision `since`."""

    limit: int = Field(PAGE_ITEMS, ge=1, le=MAX_PAGE_ITEMS)
    before: str | None = None
    since: int | None = Field(None, ge=0, le=MAX_REVISION)


class MessageListQuery(Query):
    """A page of messages: older than `before`, newer than `after`, or the newest."""

    limit: int = Field(PAGE_ITEMS, ge=1, le=MAX_PAGE_ITEMS)
    before: str | None = None
    after: str | None = None


class SessionOut(BaseModel):
    """One thread of messages."""

    id: str
    title: str
    created_at: str
    updated_at: str
    revision: int
    user_revision: int
    leaf_id: str | None


class SessionPage(BaseModel):
    """Sessions, newest activity first (`next`: the cursor of the page after), or changes (`deleted`, `more`)."""

    items: list[SessionOut]
    revision: int
    next: str | None = None
    deleted: list[str] | None = None
    more: bool | None = None


class MessageOut(BaseModel):
    """One turn, with its run where a model wrote it."""

    id: str
    session_id: str
    parent_id: str | None
    role: Literal["user", "assistant", "system"]
    text: str
    reasoning: str
    client_id: str | None
    model: str | None
    revision: int
    created_at: str
    run: Json | None


class MessagePageOut(BaseModel):
    """Messages in the order of their making; `before` and `after` are the cursors of the pages around, or null."""

    items: list[MessageOut]
    before: str | None
    after: str | None


def session_json(session: ChatSession) -> Json:
    """The Session of REST and of the socket."""
    return {
        "id": session.id,
        "title": session.title,
        "created_at": clock.iso(session.created_at),
        "updated_at": clock.iso(session.updated_at),
        "revision": session.revision,
        "user_revision": session.user_revision,
        "leaf_id": session.leaf_id,
    }


def message_json(message: Message, run: RunJson | None = None) -> Json:
    """The Message of REST and of the socket; `run` is its run's JSON, which `zgpt.runs` makes."""
    return {
        "id": message.id,
        "session_id": message.session_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "text": message.text,
        "reasoning": message.reasoning,
        "client_id": message.client_id,
        "model": message.model,
        "revision": message.revision,
        "created_at": clock.iso(message.created_at),
        "run": run,
    }
