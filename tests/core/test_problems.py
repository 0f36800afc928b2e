"""Every fault of a request is answered in words."""

import json
from collections.abc import Callable

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import exc as sa_exc
from sqlalchemy import text
from werkzeug.test import TestResponse

from zgpt.core.db import db
from zgpt.core.errors import Conflict, RateLimited, Unauthorized

MEDIA_TYPE = "application/problem+json"


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == MEDIA_TYPE
    document = json.loads(answer.data)
    assert document["status"] == answer.status_code
    assert {"type", "title", "detail", "code", "retryable"} <= set(document)
    return answer.status_code, document["code"]


@pytest.fixture
def raising(app: Flask) -> Callable[[Exception], TestResponse]:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    fault: list[Exception] = []

    def broken() -> str:
        raise fault[0]

    app.add_url_rule("/api/v1/broken", view_func=broken)

    def get(error: Exception) -> TestResponse:
        fault[:] = [error]
        return app.test_client().get("/api/v1/broken")

    return get


def test_an_unknown_address_is_404(client: FlaskClient) -> None:
    assert problem(client.get("/api/v1/nowhere")) == (404, "not_found")


def test_a_wrong_method_is_405_and_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/api/v1/app")
    assert problem(answer) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_body_over_the_bound_is_413_without_being_read(client: FlaskClient) -> None:
    answer = client.post("/api/v1/client-errors", data=b"x" * 1_000_000, content_type="application/json")
    assert problem(answer) == (413, "too_large")


def test_the_longest_message_fits_even_with_every_byte_escaped(app: Flask) -> None:
    longest = "\\u0001" * app.config["ZGPT"].max_message_bytes
    answer = app.test_client().post(
        "/api/v1/client-errors", data='{"message":"' + longest + '"}', content_type="application/json"
    )
    assert problem(answer) == (422, "invalid")


def test_an_error_of_ours_is_500_and_says_nothing_of_the_inside(raising: Callable[[Exception], TestResponse]) -> None:
    answer = raising(RuntimeError("hunter2 at /srv/app"))
    assert problem(answer) == (500, "internal")
    assert b"hunter2" not in answer.data
    assert b"Traceback" not in answer.data


def test_a_problem_keeps_its_code_and_words(raising: Callable[[Exception], TestResponse]) -> None:
    answer = raising(Conflict("Another answer is being written.", code="run_active"))
    assert problem(answer) == (409, "run_active")
    assert json.loads(answer.data)["detail"] == "Another answer is being written."


def test_a_wait_is_told_in_whole_seconds_rounded_up(raising: Callable[[Exception], TestResponse]) -> None:
    answer = raising(RateLimited(retry_after_ms=1_200))
    assert problem(answer) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "2"
    assert json.loads(answer.data)["retry_after_ms"] == 1_200


def test_unauthorized_says_which_scheme_is_asked_for(raising: Callable[[Exception], TestResponse]) -> None:
    assert raising(Unauthorized()).headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (sa_exc.OperationalError("SELECT 1", {}, Exception("database is locked")), (503, "unavailable")),
        (sa_exc.TimeoutError("the pool is empty"), (503, "unavailable")),
        (sa_exc.IntegrityError("INSERT", {}, Exception("UNIQUE")), (409, "conflict")),
        (sa_exc.DataError("INSERT", {}, Exception("value too long")), (422, "invalid")),
        (sa_exc.OperationalError("SELECT 1", {}, Exception("no such table: users")), (500, "internal")),
        (sa_exc.ProgrammingError("SELECT 1", {}, Exception("syntax")), (500, "internal")),
    ],
)
def test_trouble_of_the_database_is_told_by_whose_fault_it_is(
    raising: Callable[[Exception], TestResponse], error: Exception, told: tuple[int, str]
) -> None:
    assert problem(raising(error)) == told


def test_an_aborted_request_keeps_its_status(app: Flask) -> None:
    app.add_url_rule("/api/v1/teapot", view_func=lambda: abort(418))
    assert problem(app.test_client().get("/api/v1/teapot"))[0] == 418


def test_a_browser_that_visits_a_wrong_page_gets_a_page(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "Not Found" in answer.text


@pytest.mark.parametrize("accepted", ["*/*", "application/json, */*", ""])
def test_a_program_gets_a_document_everywhere(client: FlaskClient, accepted: str) -> None:
    assert client.get("/nowhere", headers={"Accept": accepted}).mimetype == "application/problem+json"


def test_after_a_failed_request_the_next_one_starts_clean(app: Flask) -> None:
    def fails() -> str:
        db.session.execute(text("SELECT * FROM nowhere"))
        return ""

    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/api/v1/fails", view_func=fails)
    assert app.test_client().get("/api/v1/fails").status_code == 500
    assert app.test_client().get("/readyz").status_code == 200


def test_a_redirect_is_not_a_fault(app: Flask) -> None:
    app.add_url_rule("/api/v1/folder/", view_func=lambda: "")
    answer = app.test_client().get("/api/v1/folder")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/api/v1/folder/")
