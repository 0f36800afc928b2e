"""Errors that browsers report."""

import io
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from zgpt.core import metrics


def count() -> float:
    return float(metrics.CLIENT_ERRORS._value.get())


def test_a_report_is_counted_and_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    before = count()
    with caplog.at_level(logging.WARNING):
        answer = client.post(
            "/api/v1/client-errors", json={"message": "x is undefined", "stack": "at app.js:1", "path": "/s/1"}
        )
    assert (answer.status_code, answer.data) == (204, b"")
    assert count() == before + 1
    (record,) = [record.msg for record in caplog.records if record.name == "zgpt.client"]
    logged: dict[str, Any] = record if isinstance(record, dict) else {}
    assert (logged["client_message"], logged["client_path"]) == ("x is undefined", "/s/1")


@pytest.mark.parametrize(
    "report",
    [{}, {"message": ""}, {"message": "x" * 1_001}, {"message": "x", "stack": "x" * 8_001}, {"message": 1},
     {"message": "x", "conversation": "private"}],
)  # fmt: skip
def test_a_report_over_its_bounds_is_refused(client: FlaskClient, report: dict[str, Any]) -> None:
    before = count()
    assert client.post("/api/v1/client-errors", json=report).status_code == 422
    assert count() == before


def test_a_violation_without_a_length_is_bounded_too(client: FlaskClient) -> None:
    long = b'{"csp-report":{"blocked-uri":"' + b"x" * 10_000 + b'"}}'
    answer = client.post(
        "/api/v1/csp-reports",
        input_stream=io.BytesIO(long),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    # Only its beginning is read, and that is no JSON.
    assert answer.status_code == 400
