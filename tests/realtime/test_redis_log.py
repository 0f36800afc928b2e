"""The scripts of the log, on a real server: offsets, fences, and what is published only with what was written."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.support.delivery import RUN, head
from zgpt.realtime import bus, redis_log
from zgpt.realtime.redis_link import Command, RedisLink
from zgpt.realtime.redis_log import FENCED, LOST, WRITTEN


class Log:
    """One process that writes, and everything that was published."""

    def __init__(self, url: str) -> None:
        self._link = RedisLink(url, redis_log.SCRIPTS)
        self.server = redis.Redis.from_url(url)
        self._heard = self.server.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._heard.subscribe(*bus.channels())
        for _ in bus.channels():
            self._heard.get_message(timeout=1)

    def say(self, command: Command) -> Any:
        return self._link.pipeline([command])[0]

    def open(self, epoch: int = 1, text: bytes = b"", message: bytes = b"opened") -> Any:
        return self.say(redis_log.open_command(head(epoch), {"text": text}, message))

    def append(self, epoch: int, at: int, data: bytes) -> Any:
        return self.say(redis_log.append_command(head(epoch), "text", at, data, b"appended"))

    def read(self, epoch: int = 1) -> redis_log.Texts | None:
        return redis_log.texts_of_read(self._link.pipeline(redis_log.read_commands(RUN, epoch)), epoch)

    def take(self, epoch: int) -> redis_log.Texts | None:
        return redis_log.texts_of_take(self.say(redis_log.take_command(RUN, epoch)))

    def heard(self) -> list[bytes]:
        said = []
        while (message := self._heard.get_message(timeout=0.05)) is not None:
            said.append(message["data"])
        return said

    def close(self) -> None:
        self._link.close()
        self._heard.close()
        self.server.close()


@pytest.fixture
def log(redis_url: str) -> Iterator[Log]:
    made = Log(redis_url)
    yield made
    made.close()


def test_text_is_written_where_it_belongs_and_published_with_that(log: Log) -> None:
    assert (log.open(), log.append(1, 0, b"one "), log.append(1, 4, b"two")) == (WRITTEN,) * 3
    assert log.read() == {"reasoning": b"", "text": b"one two"}
    assert log.heard() == [b"opened", b"appended", b"appended"]


def test_a_repeated_append_changes_nothing(log: Log) -> None:
    log.open()
    for _ in range(2):
        assert log.append(1, 0, b"one") == WRITTEN
    assert log.read() == {"reasoning": b"", "text": b"one"}


def test_text_behind_a_gap_is_refused_and_not_published(log: Log) -> None:
    assert log.append(1, 0, b"one") == LOST
    log.open()
    assert log.append(1, 4, b"two") == LOST
    assert log.heard() == [b"opened"]


def test_an_older_epoch_can_neither_write_nor_publish(log: Log) -> None:
    log.open(2)
    assert (log.open(1), log.append(1, 0, b"zombie")) == (FENCED, FENCED)
    assert log.say(redis_log.end_command(head(1), b"ended")) == FENCED
    assert log.heard() == [b"opened"]


def test_a_newer_owner_whose_epoch_was_lost_with_the_data_is_asked_to_open_again(log: Log) -> None:
    log.open(1)
    assert log.append(2, 0, b"mine") == LOST
    assert log.open(2, b"mine") == WRITTEN


def test_a_taken_run_gives_what_was_shown_last_and_lets_nobody_older_write(log: Log) -> None:
    log.open()
    log.append(1, 0, "hé".encode())
    assert log.take(2) == {"reasoning": b"", "text": "hé".encode()}
    assert log.append(1, 3, b"zombie") == FENCED


def test_a_taker_that_dies_before_it_opens_leaves_the_text_to_the_next(log: Log) -> None:
    log.open()
    log.append(1, 0, b"shown")
    log.take(2)
    assert log.read(2) is None
    assert log.take(3) == {"reasoning": b"", "text": b"shown"}
    assert log.take(2) is None


def test_an_epoch_that_begins_anew_does_not_show_the_old_text(log: Log) -> None:
    log.open()
    log.append(1, 0, b"a long old text")
    log.take(2)
    log.open(2)
    log.append(2, 0, b"new")
    assert log.read(2) == {"reasoning": b"", "text": b"new"}
    assert log.read(1) is None


def test_opening_the_same_epoch_again_never_shortens_it(log: Log) -> None:
    log.open()
    log.append(1, 0, b"longer")
    assert log.open(1, b"long") == WRITTEN
    assert log.read() == {"reasoning": b"", "text": b"longer"}


def test_everything_that_is_kept_goes_in_the_end(log: Log) -> None:
    log.open(1, b"kept")
    log.append(1, 4, b"more")
    assert all(0 < log.server.ttl(key) <= bus.LIVE_S for key in log.server.keys("zgpt:run:*"))
    log.say(redis_log.end_command(head(1), b"ended"))
    assert all(0 < log.server.ttl(key) <= bus.KEPT_S for key in log.server.keys("zgpt:run:*"))
