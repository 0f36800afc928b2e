"""One line per request."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.people import Person

MakeApp = Callable[..., Flask]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        found = [record.msg for record in caplog.records if record.name == "zgpt.http"]
        return [line for line in found if isinstance(line, dict)]

    caplog.set_level(logging.INFO)
    return read


def test_a_request_is_one_line_with_what_came_of_it(app: Flask, lines: Callable[[], list[dict[str, Any]]]) -> None:
    answer = app.test_client().get("/api/v1/app?token=hunter2")
    (line,) = lines()
    assert (line["method"], line["path"], line["status"], line["route"]) == ("GET", "/api/v1/app", 200, "/api/v1/app")
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["ms"] >= 0
    assert "hunter2" not in str(line)


def test_the_line_names_the_signed_in_user(
    app: Flask, signed_in: Callable[..., Person], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    ada = signed_in()
    ada.client.get("/api/v1/auth/me", headers=ada.headers)
    assert [line["user_id"] for line in lines()] == [None, ada.id]
    assert ada.access_token not in str(lines())
    assert ada.password not in str(lines())


def test_health_checks_and_files_are_not_worth_a_line(app: Flask, lines: Callable[[], list[dict[str, Any]]]) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/static/reference.css"):
        app.test_client().get(path, buffered=True)
    assert lines() == []


@pytest.mark.parametrize(("proxies", "kept"), [("0", False), ("1", True)])
def test_the_request_id_of_a_trusted_proxy_is_kept(make_app: MakeApp, proxies: str, kept: bool) -> None:
    client = make_app(TRUSTED_PROXIES=proxies).test_client()
    given = client.get("/healthz", headers={"X-Request-ID": "proxy-id-123"}).headers["X-Request-ID"]
    assert (given == "proxy-id-123") is kept
    assert client.get("/healthz", headers={"X-Request-ID": "bad id; x"}).headers["X-Request-ID"] != "bad id; x"
