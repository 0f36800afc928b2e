"""Each kind of address leads to the same Redis: TCP with a database, TLS, a Unix socket, and what Sentinels name."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import gevent
import pytest
import trustme
from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer

from tests.support.processes import free_port, polls, spawn, stop
from tests.support.services import RedisServer, answers, find_redis
from zgpt.realtime import redis_address
from zgpt.realtime.redis_link import RedisAway, RedisLink

HOST = "127.0.0.1"
Forward = Callable[..., StreamServer]


def pass_on(source: Any, target: Any) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)


@pytest.fixture
def forward(redis_url: str) -> Iterator[Forward]:
    """Listen there and pass everything on to the Redis, as stunnel does: `forward(listener, ssl_context=…)`."""
    place = redis_address.resolve(redis_url)
    made: list[StreamServer] = []

    def handle(near: Any, _address: object) -> None:
        with socket.create_connection((place["host"], place["port"])) as far, near:
            back = gevent.spawn(pass_on, far, near)
            pass_on(near, far)
            back.kill()

    def make(listener: Any, **tls: Any) -> StreamServer:
        made.append(StreamServer(listener, handle, spawn=Pool(), **tls))
        made[-1].start()
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    """The part of the URL that names the authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return f"ssl_ca_certs={tmp_path / 'ca.pem'}"


def context_of(authority: trustme.CA, name: str = HOST) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@contextmanager
def linked(url: str) -> Iterator[RedisLink]:
    link = RedisLink(url)
    try:
        yield link
    finally:
        link.close()


def ping(url: str) -> Any:
    with linked(url) as link:
        return link.pipeline([("PING",)])


def test_the_database_in_the_address_is_the_one_that_is_used(redis_url: str) -> None:
    with linked(redis_url) as first, linked(f"{redis_url.removesuffix('/0')}/3") as third:
        assert third.pipeline([("SET", "a", 1, "PX", 5_000)]) == [b"OK"]
        assert first.pipeline([("GET", "a")]) == [None]
        assert third.pipeline([("GETDEL", "a")]) == [b"1"]


def test_a_unix_socket_is_connected_by_its_path(forward: Forward, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "redis.sock"))
        listener.listen()
        forward(listener)
        assert ping(f"unix://{tmp_path}/redis.sock") == [b"PONG"]


def test_a_unix_socket_that_is_not_there_is_away(tmp_path: Path) -> None:
    with pytest.raises(RedisAway):
        ping(f"unix://{tmp_path}/none.sock")


def test_tls_is_spoken_where_the_address_says_so(forward: Forward, authority: trustme.CA, trusted: str) -> None:
    port = forward((HOST, 0), ssl_context=context_of(authority)).server_port
    assert ping(f"rediss://{HOST}:{port}/0?{trusted}") == [b"PONG"]


@pytest.mark.parametrize("stranger", ["authority", "name"])
def test_a_certificate_of_a_stranger_or_for_another_name_is_refused(
    forward: Forward, authority: trustme.CA, trusted: str, stranger: str
) -> None:
    shown = context_of(trustme.CA()) if stranger == "authority" else context_of(authority, "elsewhere.example")
    port = forward((HOST, 0), ssl_context=shown).server_port
    with pytest.raises(RedisAway, match="CERTIFICATE_VERIFY_FAILED"):
        ping(f"rediss://{HOST}:{port}/0?{trusted}")


def test_an_operator_may_take_any_certificate_in_words(forward: Forward) -> None:
    port = forward((HOST, 0), ssl_context=context_of(trustme.CA(), "elsewhere.example")).server_port
    assert ping(f"rediss://{HOST}:{port}/0?ssl_cert_reqs=none") == [b"PONG"]


def test_a_certificate_of_our_own_is_shown_where_redis_asks_for_it(
    forward: Forward, authority: trustme.CA, trusted: str, tmp_path: Path
) -> None:
    asking = context_of(authority)
    asking.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(asking)
    port = forward((HOST, 0), ssl_context=asking).server_port
    with pytest.raises(RedisAway):
        ping(f"rediss://{HOST}:{port}/0?{trusted}")
    ours = authority.issue_cert("zgpt.example")
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "ours.pem"))
    assert ping(f"rediss://{HOST}:{port}/0?{trusted}&ssl_certfile={tmp_path / 'ours.pem'}") == [b"PONG"]


def test_a_tls_handshake_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_address, "TIMEOUT_S", 0.1)
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        silent.listen()
        with gevent.Timeout(1, AssertionError("it waits too long")), pytest.raises(RedisAway, match="timed out"):
            ping(f"rediss://{HOST}:{silent.getsockname()[1]}/0")


@pytest.fixture
def sentinel_port(redis_server: RedisServer, tmp_path: Path) -> Iterator[int]:
    """A real Sentinel that watches over `redis_server` as the master `main`."""
    port, config = free_port(), tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\nbind {HOST}\nsentinel monitor main {HOST} {redis_server.port} 1\n")
    process = spawn([find_redis(), config, "--sentinel"], tmp_path / "sentinel.log")
    assert any(answers(f"redis://{HOST}:{port}") for _ in polls(10)), "the Sentinel did not start"
    yield port
    stop(process)


def test_the_master_is_the_one_that_a_sentinel_names(redis_server: RedisServer, sentinel_port: int) -> None:
    with linked(f"sentinel://{HOST}:{sentinel_port}/main/2") as link:
        assert link.pipeline([("SET", "a", "by way of a Sentinel")]) == [b"OK"]
    with linked(f"redis://{HOST}:{redis_server.port}/2") as direct:
        assert direct.pipeline([("GET", "a")]) == [b"by way of a Sentinel"]


def test_a_sentinel_that_is_down_is_passed_over_at_once(sentinel_port: int) -> None:
    with gevent.Timeout(redis_address.TIMEOUT_S, AssertionError("it was tried again and again")):
        assert ping(f"sentinel://{HOST}:{free_port()},{HOST}:{sentinel_port}/main") == [b"PONG"]


def test_the_password_before_the_sentinels_is_the_master_s(redis_server: RedisServer, sentinel_port: int) -> None:
    with linked(redis_server.url) as operator:
        operator.pipeline([("CONFIG", "SET", "requirepass", "secret")])
    assert ping(f"sentinel://default:secret@{HOST}:{sentinel_port}/main") == [b"PONG"]
    with pytest.raises(RedisAway):
        ping(f"sentinel://{HOST}:{sentinel_port}/main")


def test_a_name_that_no_sentinel_knows_is_told_in_words(sentinel_port: int) -> None:
    with pytest.raises(RedisAway, match="no Sentinel names the master 'other'"):
        ping(f"sentinel://{HOST}:{sentinel_port}/other")
