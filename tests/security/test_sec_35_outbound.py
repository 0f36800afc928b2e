"""Check 35: the one address that we call is the operator's, it leads nowhere else, and it cannot hold or fill us.

Webhooks, avatars and moderation URLs of users do not exist: nothing that a user sends is ever called.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
from flask import Flask
from gevent import socket
from gevent.server import StreamServer

from tests.conftest import MakeApp, SignedIn
from tests.llm.sink import HEAD, Sink, Talk, ask, delta, prompt, serving
from zgpt.core.config import ConfigError, load_settings
from zgpt.core.db import db
from zgpt.llm import base
from zgpt.llm.body import MAX_HEAD_BYTES
from zgpt.llm.http import MAX_ERROR_BODY_BYTES
from zgpt.llm.openai import HttpProvider
from zgpt.runs.active import ANSWER_BYTES
from zgpt.runs.models import Run
from zgpt.runs.setup import init_runs

REDIRECTS = (301, 302, 303, 307, 308)


@contextmanager
def trap() -> Iterator[tuple[str, list[object]]]:
    """A server on another port that nobody may call, and who did."""
    callers: list[object] = []

    def catch(sock: socket.socket, address: object) -> None:
        callers.append(address)
        sock.close()

    server = StreamServer(("127.0.0.1", 0), catch)
    server.start()
    try:
        yield f"127.0.0.1:{server.server_port}", callers
    finally:
        server.stop()


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("location", ["http://{0}/v1/chat/completions", "//{0}/", "http://169.254.169.254/latest"])
def test_sec_35_a_redirect_is_not_followed_and_told_in_words(status: int, location: str) -> None:
    with trap() as (address, callers):
        head = f"HTTP/1.1 {status} X\r\nLocation: {location.format(address)}\r\nContent-Length: 0\r\n\r\n"
        sink = ask(lambda sock, _request: sock.sendall(head.encode()), api_key="sk-canary-123456")
        assert callers == []
    assert (sink.error.code, sink.error.retryable) == (base.REJECTED, False)
    assert "is not followed" in sink.error.message


def endless(head: bytes, piece: bytes, sent: list[int]) -> Talk:
    """Sends without an end; counts the bytes that went out."""

    def talk(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(head)
        while True:
            sock.sendall(piece)
            sent.append(len(piece))

    return talk


@pytest.mark.parametrize(
    ("head", "piece", "most"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4_096, MAX_HEAD_BYTES),
        (b"HTTP/1.1 500 X\r\n\r\n", b"z" * 4_096, MAX_ERROR_BODY_BYTES),
        (HEAD, b"data: " + b"x" * 65_536, 1_048_576),
    ],
    ids=["head", "error", "line"],
)
def test_sec_35_an_endless_answer_is_cut_at_its_bound(head: bytes, piece: bytes, most: int) -> None:
    sent: list[int] = []
    sink = ask(endless(head, piece, sent))
    assert sink.error.code in {base.GARBAGE, base.FAILED}
    # What the kernel's buffers take of it is not ours.
    assert sum(sent) < most + 16 * 1_048_576


def test_sec_35_a_head_that_drips_is_given_up_at_the_deadline() -> None:
    def talk(sock: socket.socket, _request: bytes) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" * 100:
            sock.sendall(bytes([byte]))
            gevent.sleep(0.02)

    sink = Sink()
    with serving(talk) as url, gevent.Timeout(10):
        HttpProvider(url, "m").stream(prompt(), sink, 0.3)
        assert sink.error.code == base.TIMEOUT


@pytest.mark.parametrize("form", ["drip", "flood"])
def test_sec_35_an_answer_that_never_ends_is_ended_by_us(make_app: MakeApp, signed_in: SignedIn, form: str) -> None:
    piece = "x" if form == "drip" else "x" * 65_536
    app = make_app(LLM_TOTAL_TIMEOUT_S="2", LLM_IDLE_TIMEOUT_S="1", LLM_TITLES="false")
    with serving(_endless_answer(piece, pause_s=0.05 if form == "drip" else 0.0)) as url:
        init_runs(app, app.config["ZGPT"], app.extensions["realtime"], HttpProvider(url, "m"))
        run = _asked(app, signed_in)
        with gevent.Timeout(20):
            while _status(app, run) in {"queued", "streaming"}:
                gevent.sleep(0.05)
    with app.app_context():
        ended = db.session.get_one(Run, run)
        assert ended.status in {"failed", "completed"}
        assert sum((ended.ends or {}).values()) <= ANSWER_BYTES + 65_536


def test_sec_35_no_route_takes_an_address_to_call(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    bodies = [name for name in document["components"]["schemas"] if not name.endswith("Out")]
    fields = {field for name in bodies for field in document["components"]["schemas"][name].get("properties", {})}
    assert not [field for field in fields if "url" in field or "uri" in field or "host" in field or "webhook" in field]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://x/", "ftp://x/", "http://", "//x", "http://user:pw@x/v1", "http://x/v1?a=b"]
)
def test_sec_35_the_operators_address_is_http_and_carries_nothing_else(url: str, make_app: MakeApp) -> None:
    with pytest.raises((ConfigError, ValueError), match="LLM_BASE_URL"):
        make_app(LLM_BASE_URL=url)


@pytest.mark.parametrize("url", ["http://10.0.0.5:11434/v1", "http://[::1]:8000/v1", "http://localhost:8000"])
def test_sec_35_an_operator_may_name_a_private_address(url: str) -> None:
    assert load_settings({"LLM_BASE_URL": url}).llm_base_url == url


def _endless_answer(piece: str, pause_s: float) -> Talk:
    def talk(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(HEAD)
        while True:
            sock.sendall(delta(piece))
            gevent.sleep(pause_s)

    return talk


def _asked(app: Flask, signed_in: SignedIn) -> str:
    person = signed_in(app=app)
    session = person.client.post("/api/v1/sessions", json={}, headers=person.headers).get_json()["id"]
    sent = {"client_id": "01900000-0000-7000-8000-0000000000aa", "text": "go on"}
    return str(
        person.client.post(f"/api/v1/sessions/{session}/messages", json=sent, headers=person.headers).get_json()[
            "run_id"
        ]
    )


def _status(app: Flask, run_id: str) -> str:
    with app.app_context():
        return str(db.session.get_one(Run, run_id).status)
