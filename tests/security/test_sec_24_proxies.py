"""Check 24: what a client claims about itself counts only where a trusted proxy said it."""

import json
from pathlib import Path

import pytest

from tests.conftest import MakeApp, MakeServer
from tests.security.raw import ask
from tests.support.people import PASSWORD

CLAIMS = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Real-IP": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-User-ID": "01900000-0000-7000-8000-000000000001",
    "Forwarded": "for=198.51.100.7;proto=https;host=evil.example",
    "X-Original-URL": "/metrics",
    "X-HTTP-Method-Override": "DELETE",
    "X-Request-ID": "forged-request-id",
}


def test_sec_24_claims_change_neither_log_nor_limit_nor_links(make_server_log: "Log") -> None:
    log = make_server_log
    assert "198.51.100.7" not in log.text
    assert "evil.example" not in log.text
    assert "forged-request-id" not in log.text
    assert log.addresses == {"127.0.0.1"}


def test_sec_24_a_new_address_in_every_request_is_one_address_to_the_limit(make_app: MakeApp) -> None:
    client = make_app(LIMIT_LOGIN="3 per minute").test_client()
    wrong = {"email": "nobody@example.org", "password": PASSWORD}
    sent = [
        client.post("/api/v1/auth/login", json=wrong, headers={**CLAIMS, "X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(5)
    ]
    assert [answer.status_code for answer in sent] == [401, 401, 401, 429, 429]


def test_sec_24_behind_one_proxy_only_what_it_added_counts(make_app: MakeApp) -> None:
    client = make_app(LIMIT_LOGIN="3 per minute", TRUSTED_PROXIES="1").test_client()
    wrong = {"email": "nobody@example.org", "password": PASSWORD}
    sent = [
        client.post("/api/v1/auth/login", json=wrong, headers={"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"})
        for number in range(5)
    ]
    assert [answer.status_code for answer in sent] == [401, 401, 401, 429, 429]


class Log:
    """What a server printed of requests with claims in them."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        lines = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        self.addresses = {line["ip"] for line in lines if line.get("event") == "request"}


@pytest.fixture
def make_server_log(server: MakeServer) -> Log:
    running = server()
    named = {name.replace("-", "_"): value for name, value in CLAIMS.items()}
    assert ask(running, "/api/v1/app", **named).status == 200
    assert ask(running, "/api/v1/sessions", **named).status == 401
    assert ask(running, "/static", **named).headers.get("location", "").find("evil") == -1
    # A claim of having come through a proxy takes the privilege of this machine away, and gives none.
    assert ask(running, "/metrics", **named).status == 404
    return Log(running.log)
