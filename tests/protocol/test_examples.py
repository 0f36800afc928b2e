"""The example files are complete, and they are what the server really reads and writes."""

from typing import Any

import msgspec
import pytest

from tests.protocol.examples import HERE, examples
from zgpt.gateway.asyncapi import RunDelta
from zgpt.realtime import protocol

COMMANDS = {str(kind.__struct_config__.tag): kind for kind in protocol.COMMANDS}
ALL_EVENTS: tuple[type[protocol.Event], ...] = (*protocol.EVENTS, RunDelta)
EVENTS = {str(kind.__struct_config__.tag): kind for kind in ALL_EVENTS}


def test_there_is_one_example_for_each_command_result_and_event_and_no_other_file() -> None:
    assert set(examples("commands")) == set(examples("results")) == set(COMMANDS)
    assert set(examples("events")) == set(EVENTS)
    assert {path.parent.name for path in HERE.rglob("*.json")} == {"commands", "results", "events"}


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_example_of_a_command_is_parsed_as_it_and_names_every_field(kind: str) -> None:
    example = examples("commands")[kind]
    command = protocol.parse_command(msgspec.json.encode(example))
    assert type(command) is COMMANDS[kind]
    assert set(example) == {"type", *COMMANDS[kind].__struct_fields__}


@pytest.mark.parametrize("kind", EVENTS)
def test_the_example_of_an_event_is_what_we_would_write(kind: str) -> None:
    example = examples("events")[kind]
    event: Any = msgspec.convert(example, EVENTS[kind])
    assert msgspec.json.decode(protocol.encode_event(event)) == example
