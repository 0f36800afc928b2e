"""Answers through a proxy: a tunnel for https, the whole URL for http."""

import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
import trustme
from gevent import socket
from gevent.server import StreamServer

from zgpt.llm import base
from zgpt.llm.endpoint import Proxy
from zgpt.llm.openai import HttpProvider

from .sink import DONE, HEAD, STOP, Sink, delta, prompt, says, serving
from .test_tls import tls_server

PASSWORD = f"Basic {b64encode(b'me:secret').decode()}"


class TinyProxy:
    """Passes everything on to one port, whatever host was asked for; keeps the requests' first lines and headers."""

    def __init__(self, port: int, refuse: bytes = b"") -> None:
        self.port = port
        self.refuse = refuse
        self.heads: list[bytes] = []

    def __call__(self, ours: socket.socket, _address: object) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += ours.recv(65536)
        self.heads.append(head)
        if self.refuse:
            ours.sendall(self.refuse)
            ours.close()
            return
        with ours, socket.create_connection(("127.0.0.1", self.port)) as theirs:
            if head.startswith(b"CONNECT "):
                ours.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                theirs.sendall(head)
            gevent.joinall([gevent.spawn(pipe, ours, theirs), gevent.spawn(pipe, theirs, ours)])


def pipe(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def running(proxy: TinyProxy, authorization: str = "") -> Iterator[Proxy]:
    server = StreamServer(("127.0.0.1", 0), proxy)
    server.start()
    try:
        yield Proxy("127.0.0.1", int(server.server_port or 0), authorization)
    finally:
        server.stop()


def test_https_goes_through_a_tunnel_with_the_proxys_password() -> None:
    authority, context = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(context)
    with tls_server(authority, "api.example.com", HEAD + delta("a"), STOP + DONE) as port:
        tiny, sink = TinyProxy(port), Sink()
        with running(tiny, PASSWORD) as proxy:
            provider = HttpProvider("https://api.example.com/v1", "m", proxy=proxy, tls=context, api_key="sk-1")
            provider.stream(prompt(), sink, 5.0)
            assert (sink.end.reason, sink.text) == ("stop", "a")
    assert tiny.heads[0].startswith(b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n")
    assert b"Proxy-Authorization: " + PASSWORD.encode() in tiny.heads[0]
    assert b"sk-1" not in tiny.heads[0]


def test_http_is_asked_of_the_proxy_by_its_whole_url() -> None:
    with serving(says(HEAD + delta("a") + STOP + DONE)) as url:
        tiny, sink = TinyProxy(int(url.split(":")[2].removesuffix("/v1"))), Sink()
        with running(tiny, PASSWORD) as proxy:
            HttpProvider("http://models.example:8000/v1", "m", proxy=proxy).stream(prompt(), sink, 5.0)
            assert (sink.end.reason, sink.text) == ("stop", "a")
    assert tiny.heads[0].startswith(b"POST http://models.example:8000/v1/chat/completions HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: " + PASSWORD.encode() in tiny.heads[0]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurprise", "bytes of its own"),
        (b"HTTP/1.1 2", "the proxy closed the connection"),
        (b"<html>", "HTTP/1.1"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_told(refusal: bytes, words: str) -> None:
    sink = Sink()
    with running(TinyProxy(1, refusal)) as proxy:
        HttpProvider("https://api.example.com/v1", "m", proxy=proxy).stream(prompt(), sink, 5.0)
        assert sink.error.code in {base.UNREACHABLE, base.GARBAGE}
    assert words in sink.error.message
