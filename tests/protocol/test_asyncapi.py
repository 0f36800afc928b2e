"""The AsyncAPI document: whole, and true of the example files."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from tests.protocol.examples import examples
from zgpt.gateway.asyncapi import build_document

DOCUMENT = build_document()
FRAMES = [(folder, kind) for folder in ("commands", "events") for kind in examples(folder)]


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from _refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _refs(inner)


def _validator(kind: str) -> Draft202012Validator:
    payload = DOCUMENT["components"]["messages"][kind]["payload"]
    return Draft202012Validator({**payload, "components": DOCUMENT["components"]})


def test_it_is_served_to_everybody(client: FlaskClient) -> None:
    answer = client.get("/api/v1/asyncapi.json")
    assert answer.status_code == 200
    assert answer.get_json() == DOCUMENT
    assert DOCUMENT["asyncapi"] == "3.0.0"


def test_everything_that_is_referred_to_is_there() -> None:
    for ref in _refs(DOCUMENT):
        place: Any = DOCUMENT
        for name in ref.removeprefix("#/").split("/"):
            place = place[name]
    assert not [schema for schema in DOCUMENT["components"]["schemas"].values() if not schema]


def test_what_clients_send_we_receive_and_the_rest_we_send() -> None:
    said = {
        operation["action"]: {ref["$ref"].rpartition("/")[2] for ref in operation["messages"]}
        for operation in DOCUMENT["operations"].values()
    }
    assert said == {"receive": set(examples("commands")), "send": set(examples("events"))}


@pytest.mark.parametrize(("folder", "kind"), FRAMES)
def test_each_example_is_valid(folder: str, kind: str) -> None:
    _validator(kind).validate(examples(folder)[kind])


@pytest.mark.parametrize(("folder", "kind"), FRAMES)
def test_an_example_of_another_type_is_not(folder: str, kind: str) -> None:
    assert not _validator(kind).is_valid({**examples(folder)[kind], "type": "other"})


@pytest.mark.parametrize("kind", ["message.created", "run.completed", "session.updated"])
def test_what_is_inside_a_frame_is_described_too(kind: str) -> None:
    example = examples("events")[kind]
    inside = "session" if kind == "session.updated" else "message"
    assert not _validator(kind).is_valid({**example, inside: {"id": "only"}})
