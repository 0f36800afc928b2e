"""`/api/v1/asyncapi.json`: the WebSocket as an AsyncAPI 3 document, made of the types that make its frames."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic.json_schema import models_json_schema

import zgpt
from zgpt.chat.schemas import MessageOut, SessionOut
from zgpt.core.openapi import operation
from zgpt.realtime import protocol
from zgpt.runs.schemas import FaultOut, RunOut

Json = dict[str, Any]
REF = "#/components/schemas/{name}"
ABOUT = (
    "One JSON object per text frame. The first command is `hello`. Rules of resuming, error codes and close codes "
    "are in docs/protocol.md."
)
_SHAPES = (SessionOut, MessageOut, RunOut, FaultOut)
_FIELDS = {
    ("MessageCreated", "message"): "MessageOut",
    ("RunCompleted", "message"): "MessageOut",
    ("SessionUpdated", "session"): "SessionOut",
    ("RunCompleted", "error"): "FaultOut",
    ("MessageOut", "run"): "RunOut",
}
"""Fields that the types leave open, for REST makes the same shapes; by schema and field."""
_OR_NULL = {("RunCompleted", "error"), ("MessageOut", "run")}

blueprint = Blueprint("asyncapi", __name__, url_prefix="/api/v1")


class RunDelta(protocol.Event, frozen=True, tag="run.delta"):
    """New text of a part. realtime/live.py writes it by hand; a contract test holds that to this."""

    session_id: str
    run_id: str
    message_id: str
    part: protocol.PartName
    epoch: int
    at: int
    end: int
    text: str


@blueprint.get("/asyncapi.json")
@operation(summary="The WebSocket as an AsyncAPI 3 document", auth="none")
def document() -> ResponseReturnValue:
    """Made of the types that parse and write its frames."""
    return build_document()


@cache
def build_document() -> Json:
    """The whole document; every command and event is one message named by its `type`."""
    events: tuple[type[protocol.Event], ...] = (*protocol.EVENTS, RunDelta)
    frames: tuple[type[msgspec.Struct], ...] = (*protocol.COMMANDS, *events)
    named = {_tag(kind): kind.__name__ for kind in frames}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Z-GPT", "version": zgpt.__version__, "description": ABOUT, "license": {"name": "MIT"}},
        "channels": {"socket": {"address": "/ws", "messages": {tag: _ref("messages", tag) for tag in named}}},
        "operations": {
            "command": _operation("receive", protocol.COMMANDS),
            "event": _operation("send", events),
        },
        "components": {
            "messages": {tag: {"name": tag, "payload": _ref("schemas", name)} for tag, name in named.items()},
            "schemas": _schemas(frames),
        },
    }


def _operation(action: str, kinds: tuple[type[msgspec.Struct], ...]) -> Json:
    messages = [{"$ref": f"#/channels/socket/messages/{_tag(kind)}"} for kind in kinds]
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "messages": messages}


def _schemas(kinds: tuple[type[msgspec.Struct], ...]) -> Json:
    _, frames = msgspec.json.schema_components(kinds, ref_template=REF)
    _, shapes = models_json_schema(
        [(shape, "serialization") for shape in _SHAPES], ref_template=REF.replace("name", "model")
    )
    schemas: Json = {**shapes["$defs"], **frames}
    for (owner, field), shape in _FIELDS.items():
        known = {"$ref": REF.format(name=shape)}
        optional = (owner, field) in _OR_NULL
        schemas[owner]["properties"][field] = {"anyOf": [known, {"type": "null"}]} if optional else known
    return schemas


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)
