"""What the app answers is what its OpenAPI document says."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from tests.support.people import Person

SignedIn = Callable[..., Person]


@pytest.fixture
def fits(signed_in: SignedIn) -> Callable[..., Any]:
    ada = signed_in()
    document = ada.client.get("/api/v1/openapi.json").get_json()

    def check(method: str, path: str, template: str | None = None, **kwargs: Any) -> Any:
        answer: TestResponse = ada.client.open(path, method=method, headers=ada.headers, **kwargs)
        responses = document["paths"][template or path.split("?", maxsplit=1)[0]][method.lower()]["responses"]
        assert str(answer.status_code) in responses, f"{method} {path} answered {answer.status_code}: {answer.text}"
        content = responses[str(answer.status_code)].get("content", {})
        if not content:
            assert answer.data == b""
            return None
        assert answer.mimetype in content
        schema = {**content[answer.mimetype]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.get_json())
        return answer.get_json()

    return check


def test_answers_about_sessions_fit_the_document(fits: Callable[..., Any]) -> None:
    one = "/api/v1/sessions/{session_id}"
    made = fits("POST", "/api/v1/sessions", json={"title": "Tea"})
    path = f"/api/v1/sessions/{made['id']}"
    fits("GET", path, one)
    fits("PATCH", path, one, json={"title": "Green tea"})
    fits("GET", f"{path}/messages", one + "/messages")
    fits("GET", "/api/v1/sessions?limit=1")
    fits("GET", "/api/v1/sessions?since=0")
    fits("DELETE", path, one)
    fits("GET", path, one)


def test_answers_about_the_account_fit_the_document(fits: Callable[..., Any]) -> None:
    fits("GET", "/api/v1/auth/me")
    fits("POST", "/api/v1/auth/login", json={"email": "nobody@example.org", "password": "x"})


@pytest.mark.parametrize("path", ["/api/v1/app", "/healthz", "/readyz"])
def test_answers_about_the_server_fit_the_document(fits: Callable[..., Any], path: str) -> None:
    fits("GET", path)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/sessions", {"title": 1}),
        ("POST", "/api/v1/sessions", {"title": "a", "user_id": "b"}),
        ("GET", "/api/v1/sessions?limit=many", None),
        ("POST", "/api/v1/auth/signup", {"email": "x"}),
    ],
)
def test_refusals_fit_the_document(fits: Callable[..., Any], method: str, path: str, body: Any) -> None:
    assert fits(method, path, json=body)["code"] == "invalid"
