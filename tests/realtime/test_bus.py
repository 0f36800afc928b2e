"""Messages between processes of different versions."""

import msgspec
import pytest

from tests.support.delivery import head
from zgpt.realtime import bus


def test_a_message_arrives_as_it_was_said() -> None:
    said = bus.TextAppended("process", head(), "text", 3, b"\xff\x00")
    assert bus.decode(bus.encode(said)) == said
    assert bus.is_of(bus.encode(said), b"process")


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"text", msgspec.msgpack.encode(["novel", "process"]), b"\x92\xa4beat\xa1\xff"],
    ids=["nothing", "not msgpack", "no message", "of a newer version", "not UTF-8"],
)
def test_what_this_version_does_not_know_is_no_message(data: bytes) -> None:
    assert bus.decode(data) is None


def test_a_newer_version_may_say_more_of_what_is_known() -> None:
    assert bus.decode(msgspec.msgpack.encode(["stop", "process", "run", "why"])) == bus.StopRequested("process", "run")
