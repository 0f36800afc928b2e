"""Check 37: whatever somebody calls themselves, the log stays one JSON object a line, in plain ASCII, and short."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.raw import ask, send
from tests.support.server import Server, prepare_folder, server_env
from tests.support.visitor import visit

LINE_BYTES = 20_000
EVIL = 'x\r\n{"event":"forged"}\u2028\x1b[2J\x1b]52;c;ZXZpbA==\x07"}{\\'
HEADERS = (
    b"User-Agent: \x1b]52;c;ZXZpbA==\x07 forged",
    b'User-Agent: a\xe2\x80\xa8{"event":"forged"}',
    b'User-Agent: "}{\\u000a forged',
    b"X-Request-ID: forged\x1b[31m",
    b"User-Agent: " + b"forged" * 170_000,
    b"Bad\x1b[2JName: forged",
)
PATHS = (
    b"/%0d%0a%7b%22event%22:%22forged%22%7d", b"/%e2%80%a8forged", b"/%1b%5b2Jforged", b"/\x1b[2Jforged",
    b"/" + b"forged" * 600, b"/s/%00forged",
)  # fmt: skip


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Server]:
    """A server to which all of it was sent."""
    folder = tmp_path_factory.mktemp("attacked")
    prepare_folder(folder, sqlite_template)
    settings = {"LLM_BASE_URL": "http://127.0.0.1:9/v1", "LOG_LEVEL": "debug"}
    server = Server(folder, server_env(settings))
    server.start()
    _attack(server)
    yield server
    server.close()


def _attack(server: Server) -> None:
    for header in HEADERS:
        _try(server, b"GET /api/v1/app HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")
    for target in PATHS:
        _try(server, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    _try(server, b"GET / HTTP/1.1\r\nHost: \x1b[2Jforged\r\nConnection: close\r\n\r\n")
    _try(server, b"\x1b]52;c;ZXZpbA==\x07 forged\r\n\r\n")
    visitor = visit(server.url)
    signed_in = {"Authorization": f"Bearer {visitor.token}", "Content_Type": "application/json"}
    account = {"email": "evil@example.org", "password": "correct horse battery", "name": EVIL}
    for path, body in (
        ("/api/v1/auth/signup", account),
        ("/api/v1/sessions", {"title": EVIL}),
        ("/api/v1/client-errors", {"message": EVIL, "stack": EVIL * 50, "path": EVIL, "kind": EVIL}),
        ("/api/v1/csp-reports", {"csp-report": {"blocked-uri": EVIL, "effective-directive": EVIL}}),
    ):
        ask(server, path, "POST", json.dumps(body).encode(), **signed_in)


def _try(server: Server, request: bytes) -> None:
    # Refused before an answer is an answer too.
    with contextlib.suppress(OSError, ValueError, IndexError):
        send(server, request)


def test_sec_37_every_line_is_one_object_in_ascii_and_bounded(attacked: Server) -> None:
    lines = attacked.log.read_bytes().split(b"\n")[:-1]
    assert len(lines) > 10
    for line in lines:
        assert isinstance(json.loads(line), dict)
        assert len(line) < LINE_BYTES
        assert line.isascii()
        assert all(byte >= 0x20 for byte in line)


def test_sec_37_no_line_says_what_an_attacker_made_up(attacked: Server) -> None:
    events = [json.loads(line) for line in attacked.log.read_text().splitlines()]
    assert not [event for event in events if event["event"] == "forged"]
    assert {event["event"] for event in events} >= {"request", "client_error", "csp_violation"}


def test_sec_37_what_was_sent_is_there_to_be_read_but_written_out(attacked: Server) -> None:
    (told,) = [line for line in attacked.log.read_text().splitlines() if '"event":"client_error"' in line]
    assert "\\u2028" in told
    assert "\\u001b]52" in told
