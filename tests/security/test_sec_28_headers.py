"""Check 28, the header part: every answer carries the policy, whoever makes it. The browser's part: tests/browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import MakeApp, SignedIn
from tests.security.raw import Reply, ask, send
from tests.support.served import served
from tests.support.server import Server
from tests.support.visitor import visit
from zgpt.core.headers import CONTENT_SECURITY_POLICY

UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
BY_GUNICORN = {
    "no_http": b"HELO you\r\n\r\n",
    "a_broken_header": b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n",
    "a_huge_header": b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: " + b"x" * 20_000 + b"\r\n\r\n",
    "a_long_address": b"GET /" + b"x" * 6_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a_strange_coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
}


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Server]:
    """A server behind HTTPS, as far as its settings know."""
    with served(tmp_path_factory.mktemp("exposed"), sqlite_template, HTTPS="true") as (server, _):
        yield server


def assert_protected(reply: Reply) -> None:
    headers = reply.headers
    policy = headers["content-security-policy"]
    assert "'none'" in policy
    assert not re.search(r"unsafe|\*|http:|https:|strict-dynamic", policy)
    for name in ("default-src", "frame-ancestors", "base-uri"):
        assert f"{name} 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-dns-prefetch-control"] == "off"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/s/0", 200),
        ("GET", "/sw.js", 200),
        ("GET", "/static/pwa/app.js", 200),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/static", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/app", 200),
        ("GET", "/api/v1/docs", 200),
        ("GET", "/api/v1/sessions", 401),
        ("POST", "/api/v1/app", 405),
        ("OPTIONS", "/api/v1/app", 200),
        ("HEAD", "/", 200),
        ("POST", "/api/v1/auth/login", 415),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/ws", 426),
    ],
)
def test_sec_28_every_answer_of_the_app_carries_the_policy(
    exposed: Server, method: str, path: str, status: int
) -> None:
    reply = ask(exposed, path, method)
    assert reply.status == status
    assert_protected(reply)
    if path.startswith("/api/"):
        assert reply.headers["cache-control"] == "no-store"


def test_sec_28_refused_handshakes_large_bodies_and_streams_carry_it_too(exposed: Server) -> None:
    foreign = ask(exposed, "/ws", Origin="https://evil.example", Sec_WebSocket_Key="x" * 22 + "==", **UPGRADE)
    large = ask(exposed, "/api/v1/auth/login", "POST", b"x" * 400_000, Content_Type="application/json")
    assert (foreign.status, large.status) == (403, 413)
    visitor = visit(exposed.url)
    session = visitor.post("/api/v1/sessions", {})
    sent = {"client_id": "01900000-0000-7000-8000-0000000000aa", "text": "count:3"}
    run = visitor.post(f"/api/v1/sessions/{session['id']}/messages", sent)["run_id"]
    stream = ask(exposed, f"/api/v1/runs/{run}/events", Authorization=f"Bearer {visitor.token}")
    assert stream.headers["content-type"].startswith("text/event-stream")
    for reply in (foreign, large, stream):
        assert_protected(reply)


@pytest.mark.parametrize("request_of", BY_GUNICORN.values(), ids=list(BY_GUNICORN))
def test_sec_28_what_never_reaches_the_app_is_answered_with_it_as_well(exposed: Server, request_of: bytes) -> None:
    reply = send(exposed, request_of)
    assert reply.status in {400, 414, 431, 501}
    assert_protected(reply)


def test_sec_28_the_policy_names_no_source_but_our_own() -> None:
    sources = {
        word for name, value in CONTENT_SECURITY_POLICY.items() if name.endswith("-src") for word in value.split()
    }
    assert sources == {"'none'", "'self'"}


def test_sec_28_a_violation_that_a_browser_reports_is_counted_without_an_address(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    report = {"document-uri": "https://chat.example/s/secret-id", "blocked-uri": "https://evil.example/x?q=secret",
              "effective-directive": "img-src", "script-sample": "secret"}  # fmt: skip
    sent = app.json.dumps({"csp-report": report})
    answer = app.test_client().post("/api/v1/csp-reports", data=sent, content_type="application/csp-report")
    (told,) = [str(record.msg) for record in caplog.records if record.name == "zgpt.csp"]
    assert answer.status_code == 204
    assert "'directive': 'img-src', 'blocked': 'https://evil.example'" in told
    assert "secret" not in told


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[" * 8_000, 400), (b"x" * 9_000, 413)])
def test_sec_28_a_report_that_is_none_is_refused(app: Flask, body: bytes, status: int) -> None:
    assert app.test_client().post("/api/v1/csp-reports", data=body).status_code == status


def test_sec_28_a_sign_out_has_the_browser_empty_its_cache(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    answer = person.client.post("/api/v1/auth/logout-all", headers=person.headers)
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    refused = app.test_client().post("/api/v1/auth/logout", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert "Clear-Site-Data" not in refused.headers


HTTPS = {"PUBLIC_URL": "https://chat.example", "TRUSTED_PROXIES": "1", "HTTPS_REDIRECT": "true"}


@pytest.mark.parametrize("path", ["/s/1?a=b", "//evil.example/x", "/@evil.example", "/%0d%0aX-Bad:1"])
def test_sec_28_pages_over_plain_http_are_led_to_the_configured_address_only(make_app: MakeApp, path: str) -> None:
    answer = make_app(**HTTPS).test_client().get(path, headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://chat.example/")
    assert "X-Bad" not in answer.headers


def test_sec_28_what_carries_secrets_is_refused_over_plain_http_and_probes_are_answered(make_app: MakeApp) -> None:
    client = make_app(**HTTPS).test_client()
    assert client.post("/api/v1/auth/login", json={}).get_json()["code"] == "https_required"
    assert client.get("/api/v1/app").status_code == 403
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/v1/app", headers={"X-Forwarded-Proto": "https"}).status_code == 200


def test_sec_28_without_the_setting_nothing_is_redirected(make_app: MakeApp) -> None:
    client = make_app(PUBLIC_URL="https://chat.example", TRUSTED_PROXIES="1").test_client()
    assert client.get("/", buffered=True).status_code == 200
