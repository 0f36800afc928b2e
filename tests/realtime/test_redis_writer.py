"""The queue of what is to be said: what becomes of a step when its moment has passed, or its own code fails."""

from tests.realtime.redis_house import wait
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


def test_a_step_that_cannot_be_put_into_words_is_done_here_and_keeps_back_nobody(redis_url: str) -> None:
    class Unsayable(Note):
        def command(self) -> Command:
            raise ValueError("no words")

    link, unsayable, note = RedisLink(redis_url), Unsayable(), Note()
    writer = RedisWriter(link, lambda: [unsayable])
    writer.confirm(clock.monotonic())
    writer.put(note)
    assert (unsayable.fate, note.fate) == (["unlogged"], [b"PONG"])
    link.close()


def test_a_round_that_fails_does_not_end_the_writing(redis_url: str) -> None:
    def first() -> list[Note]:
        if faults:
            raise faults.pop()
        return []

    link, faults, note = RedisLink(redis_url), [RuntimeError("broken")], Note()
    writer = RedisWriter(link, first)
    writer.start()
    writer.put(note)
    wait(lambda: not faults)
    writer.wake()
    wait(lambda: note.fate)
    assert note.fate == [b"PONG"]
    writer.stop()
    link.close()
