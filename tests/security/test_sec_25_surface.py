"""Check 25: what is not meant for the outside is not there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.raw import ask, send
from tests.support.server import Server, prepare_folder, server_env

FORWARDED = "203.0.113.9"
HIDDEN = (
    *("/.git/config", "/.git/HEAD", "/.env", "/.flaskenv", "/instance/zgpt.db", "/instance/jwt_keys.json"),
    *("/docs", "/debug", "/console", "/admin", "/server-status", "/static/", "/static/pwa/", "/static/pwa"),
    *("/static/../zgpt/app.py", "/static/..%2fzgpt/app.py", "/static/%2e%2e/wsgi.py", "/static/pwa/..%5c..%5cwsgi.py"),
    *("/static/pwa/app.js.map", "/static/.git/config", "/robots.txt.bak", "/backup.sql", "/wsgi.py", "/metrics"),
    *("/static//etc/passwd", "/static/%00", "/static/pwa/index.html%00.js"),
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("surface")
    prepare_folder(folder, sqlite_template)
    server = Server(
        folder, server_env({"LLM_BASE_URL": "http://127.0.0.1:9/v1", "METRICS_TOKEN": "of thirty-two chars, or so"})
    )
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize("path", HIDDEN)
def test_sec_25_it_is_not_there(running: Server, path: str) -> None:
    reply = ask(running, path, X_Forwarded_For=FORWARDED)
    assert reply.status in {400, 404}
    for word in (b"Traceback", b"Werkzeug", b"gunicorn/", b"Python/", b"Index of"):
        assert word not in reply.body


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PUT", "DEBUG"])
def test_sec_25_methods_that_nobody_needs_are_refused(running: Server, method: str) -> None:
    reply = send(running, f"{method} / HTTP/1.1\r\nHost: x\r\nX-Probe: mirrored\r\nConnection: close\r\n\r\n".encode())
    assert reply.status in {400, 405, 501}
    assert b"mirrored" not in reply.body


def test_sec_25_no_header_names_a_version_of_what_serves(running: Server) -> None:
    for path in ("/", "/api/v1/app", "/nowhere", "/static/pwa/app.js"):
        headers = ask(running, path).headers
        assert headers.get("server", "").isalpha()
        assert "x-powered-by" not in headers


@pytest.mark.parametrize(
    "token", ["", "Bearer ", "Bearer wrong", "Basic b2YgdGhpcnR5", "Bearer of thirty-two chars, or s"]
)
def test_sec_25_metrics_need_their_token_from_outside(running: Server, token: str) -> None:
    assert ask(running, "/metrics", X_Forwarded_For=FORWARDED, Authorization=token).status == 404


def test_sec_25_no_source_map_and_no_hidden_file_is_served(running: Server) -> None:
    static = Path(__file__).parents[2] / "static"
    dots = [
        path for path in static.rglob("*") if path.is_file() and (path.suffix == ".map" or path.name.startswith("."))
    ]
    assert [path for path in dots if ask(running, f"/static/{path.relative_to(static)}").status == 200] == []
