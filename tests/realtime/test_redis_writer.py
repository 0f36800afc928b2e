"""The queue of what is to be said: what becomes of a step when its moment has passed, or its own code fails."""

from tests.support.processes import free_port
from zgpt.core import clock
from zgpt.realtime.redis_link import Command, RedisLink, Reply
from zgpt.realtime.redis_writer import SURE_S, RedisWriter


class Note:
    """A step that remembers what became of it."""

    keep = False

    def __init__(self, fault: Exception | None = None) -> None:
        self.fate: list[object] = []
        self._fault = fault

    def command(self) -> Command:
        return ("PING",)

    def done(self, reply: Reply) -> bool:
        if self._fault:
            raise self._fault
        self.fate.append(reply)
        return True

    def unlogged(self) -> None:
        self.fate.append("unlogged")


def test_a_confirmation_that_comes_too_late_confirms_nothing() -> None:
    writer, note = RedisWriter(RedisLink(f"redis://127.0.0.1:{free_port()}"), list), Note()
    writer.put(note)
    assert writer.away
    writer.confirm(clock.monotonic() - SURE_S)
    assert note.fate == []
    writer.confirm(clock.monotonic())
    assert note.fate == ["unlogged"]
    writer.returned()


def test_a_step_that_fails_does_not_keep_the_next_from_its_answer(redis_url: str) -> None:
    link, broken, note = RedisLink(redis_url), Note(RuntimeError("broken")), Note()
    writer = RedisWriter(link, lambda: [broken])
    writer.put(note)
    assert (broken.fate, note.fate, writer.away) == ([], [b"PONG"], False)
    link.close()
