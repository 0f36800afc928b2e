"""What an operator does in a process of their own reaches the sockets of a server without Redis."""

from unittest.mock import Mock

import gevent
import pytest

from tests.auth.recorder import Recorder
from tests.conftest import MakeApp
from tests.gateway.conftest import Desk
from zgpt.core import clock
from zgpt.gateway.views import start_gateway, stop_gateway
from zgpt.gateway.watch import AccountWatch
from zgpt.realtime import close_codes


def _watch(desk: Desk) -> AccountWatch:
    return AccountWatch(desk.chat.app, desk.chat.hub)


def _elsewhere(desk: Desk, *words: str) -> None:
    """A command of another process: this one's sockets are told nothing by it."""
    broker = desk.chat.app.extensions["realtime"].broker
    broker.attach(Recorder(desk.chat.app))
    try:
        assert desk.chat.app.test_cli_runner().invoke(args=list(words)).exit_code == 0
    finally:
        broker.attach(desk.chat.hub)


def test_sockets_of_a_shut_out_account_close_once(desk: Desk) -> None:
    watch, socket = _watch(desk), desk.connect()
    _elsewhere(desk, "user", "disable", desk.chat.person.email)
    assert socket.closed_with is None
    with desk.chat.app.app_context():
        watch.look()
    gevent.sleep(0)
    assert socket.closed_with == close_codes.LOGIN_ENDED


def test_sockets_come_back_once_with_another_role(desk: Desk) -> None:
    watch, socket = _watch(desk), desk.connect()
    _elsewhere(desk, "user", "role", desk.chat.person.email, "admin")
    with desk.chat.app.app_context():
        watch.look()
    gevent.sleep(0)
    assert (socket.closed_with, close_codes.is_final(close_codes.RESYNC)) == (close_codes.RESYNC, False)
    again = desk.connect()
    with desk.chat.app.app_context():
        watch.look()
    gevent.sleep(0)
    assert again.closed_with is None


def test_what_was_done_before_the_start_is_over(desk: Desk) -> None:
    _elsewhere(desk, "user", "role", desk.chat.person.email, "admin")
    socket = desk.connect()
    with clock.moved(1), desk.chat.app.app_context():
        _watch(desk).look()
    assert socket.closed_with is None


def test_a_database_that_is_away_does_not_end_the_watch(desk: Desk) -> None:
    watch = _watch(desk)
    watch.look = _fails  # type: ignore[method-assign]
    watch._look_safely()


def _fails() -> None:
    raise RuntimeError("no database")


@pytest.mark.parametrize("with_redis", [False, True])
def test_the_database_is_looked_at_only_where_no_redis_brings_the_news(
    make_app: MakeApp, request: pytest.FixtureRequest, *, with_redis: bool
) -> None:
    env = {"REDIS_URL": request.getfixturevalue("redis_url")} if with_redis else {}
    app, look = make_app(**env), Mock()
    app.extensions["account_watch"].run = look
    start_gateway(app)
    gevent.sleep(0)
    stop_gateway(app)
    assert look.called is not with_redis
