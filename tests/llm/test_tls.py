"""TLS with a certificate authority of the tests' own."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import gevent
import pytest
import trustme
from gevent import socket
from gevent.server import StreamServer

from zgpt.llm import base
from zgpt.llm.openai import HttpProvider

from .sink import DONE, HEAD, STOP, Sink, delta, prompt, read_request


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@contextmanager
def tls_server(authority: trustme.CA, name: str, *pieces: bytes, pause_s: float = 0.0) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    names: list[object] = []

    def handle(sock: socket.socket, _address: object) -> None:
        try:
            read_request(sock)
            for piece in pieces:
                sock.sendall(piece)
                gevent.sleep(pause_s)
            sock.unwrap()  # type: ignore[attr-defined]  # with a context, the server gives sockets of TLS
        except OSError:
            names.append("hung up")
        finally:
            sock.close()

    server = StreamServer(("127.0.0.1", 0), handle, ssl_context=context)
    server.start()
    try:
        yield int(server.server_port or 0)
    finally:
        server.stop()


def test_an_answer_comes_over_tls_in_its_pieces(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    pieces = [HEAD + delta("a"), *(delta(str(n)) for n in range(30)), STOP + DONE]
    with tls_server(authority, "localhost", *pieces, pause_s=0.002) as port:
        sink = Sink()
        HttpProvider(f"https://localhost:{port}/v1", "m", tls=trusting).stream(prompt(), sink, 5.0)
        assert sink.end.reason == "stop"
    assert sink.text == "a" + "".join(str(n) for n in range(30))


def test_more_than_one_tls_record_behind_the_head_is_read_without_another_byte(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    with tls_server(authority, "localhost", HEAD + delta("x" * 50_000) + STOP + DONE, pause_s=0.5) as port:
        sink = Sink()
        HttpProvider(f"https://localhost:{port}/v1", "m", tls=trusting).stream(prompt(), sink, 5.0)
        assert sink.ended.wait(0.4)
    assert len(sink.text) == 50_000


def test_an_answer_that_tls_ends_too_early_is_cut(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    with tls_server(authority, "localhost", HEAD + delta("a")) as port:
        sink = Sink()
        HttpProvider(f"https://localhost:{port}/v1", "m", tls=trusting).stream(prompt(), sink, 5.0)
        assert (sink.error.code, sink.text) == (base.CUT, "a")


def test_a_certificate_of_a_stranger_is_refused(authority: trustme.CA) -> None:
    with tls_server(authority, "localhost", HEAD) as port:
        sink = Sink()
        HttpProvider(f"https://localhost:{port}/v1", "m").stream(prompt(), sink, 5.0)
        assert (sink.error.code, sink.error.retryable) == (base.UNREACHABLE, False)
    assert "certificate" in sink.error.message


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    with tls_server(authority, "other.example", HEAD) as port:
        sink = Sink()
        HttpProvider(f"https://localhost:{port}/v1", "m", tls=trusting).stream(prompt(), sink, 5.0)
        assert "certificate" in sink.error.message


def test_a_server_without_tls_is_told(trusting: ssl.SSLContext) -> None:
    server = StreamServer(("127.0.0.1", 0), lambda sock, _: sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"))
    server.start()
    with ExitStack() as started:
        started.callback(server.stop)
        sink = Sink()
        HttpProvider(f"https://localhost:{server.server_port}/v1", "m", tls=trusting).stream(prompt(), sink, 5.0)
        assert (sink.error.code, "TLS failed" in sink.error.message) == (base.UNREACHABLE, True)


def test_a_tls_answer_that_is_closed_hangs_up(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    with tls_server(authority, "localhost", HEAD + delta("a"), *([delta("b")] * 200), pause_s=0.01) as port:
        sink = Sink()
        stream = HttpProvider(f"https://localhost:{port}/v1", "m", tls=trusting).stream(prompt(), sink, 5.0)
        assert sink.began.wait(5.0)
        stream.close()
        count = len(sink.deltas)
        gevent.sleep(0.1)
    assert (len(sink.deltas), sink.ends) == (count, [])
