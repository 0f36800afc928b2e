"""Headers that protect every answer, and whom we believe about where a request came from."""

from collections.abc import Callable

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient

MakeApp = Callable[..., Flask]
STYLE = "/static/reference.css"
PATHS = ["/", "/healthz", "/nowhere", "/api/v1/app", "/api/v1/sessions", "/api/v1/nowhere", STYLE,
         "/static/nowhere", "/api/v1/boom", "/api/v1/docs"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_protecting_headers(app: Flask, path: str) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/api/v1/boom", view_func=lambda: str(1 / 0))
    headers = app.test_client().get(path, buffered=True).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "microphone=()" in headers["Permissions-Policy"]
    assert headers["X-Request-ID"]


def test_answers_of_the_api_are_never_stored_and_files_are_asked_for_again(client: FlaskClient) -> None:
    assert client.get("/api/v1/app").headers["Cache-Control"] == "no-store"
    assert client.get("/api/v1/nowhere").headers["Cache-Control"] == "no-store"
    style = client.get(STYLE, buffered=True)
    assert "no-cache" in style.headers["Cache-Control"]
    assert client.get(STYLE, headers={"If-None-Match": style.headers["ETag"]}, buffered=True).status_code == 304


def test_strict_transport_security_is_sent_behind_https_only(make_app: MakeApp) -> None:
    plain = make_app().test_client().get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in plain.headers
    behind = make_app(HTTPS="true").test_client().get("/healthz")
    assert behind.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("proxies", "seen"), [("0", ["127.0.0.1", "http", "localhost"]), ("1", ["203.0.113.9", "https", "chat.example"])]
)
def test_a_proxy_is_believed_exactly_when_it_is_trusted(make_app: MakeApp, proxies: str, seen: list[str]) -> None:
    app = make_app(TRUSTED_PROXIES=proxies)
    app.add_url_rule("/seen", view_func=lambda: jsonify([request.remote_addr, request.scheme, request.host]))
    claims = {
        "X-Forwarded-For": "198.51.100.1, 203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "chat.example",
    }
    assert app.test_client().get("/seen", headers=claims).get_json() == seen
