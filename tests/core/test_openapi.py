"""Routes declare themselves; the document and the checks are made of it."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from pydantic import BaseModel, Field
from werkzeug.routing import Rule

from zgpt.core.inputs import Body, Query
from zgpt.core.openapi import operation, operation_of
from zgpt.core.openapi_document import build_document
from zgpt.core.problems import install_problems

NOT_OURS = {"static", "ws_explained"}
"""Flask's own files, and the words for who comes to `/ws` without a WebSocket."""


class NewThing(Body):
    name: str = Field(max_length=10)


class ThingList(Query):
    limit: int = 5
    before: str | None = None


class Thing(BaseModel):
    id: str
    name: str


@pytest.fixture
def small() -> Flask:
    app = Flask("small")
    install_problems(app)

    @app.post("/things/<thing_id>")
    @operation(summary="Make", request=NewThing, responses={201: Thing}, problems=(409,))
    def make(thing_id: str, body: NewThing) -> Thing:
        """Makes a thing."""
        return Thing(id=thing_id, name=body.name)

    @app.get("/things")
    @operation(summary="List", auth=False, query=ThingList, responses={200: Thing})
    def things(query: ThingList) -> Any:
        return {"limit": query.limit}

    return app


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in NOT_OURS]


def test_the_body_reaches_the_view_as_its_model_and_a_model_is_the_answer(small: Flask) -> None:
    answer = small.test_client().post("/things/1", json={"name": "a"})
    assert (answer.status_code, answer.json) == (201, {"id": "1", "name": "a"})


def test_a_wrong_body_never_reaches_the_view(small: Flask) -> None:
    answer = small.test_client().post("/things/1", json={"name": 5})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["field"] == "name"


def test_the_query_reaches_the_view_as_its_model(small: Flask) -> None:
    assert small.test_client().get("/things?limit=3").json == {"limit": 3}
    assert small.test_client().get("/things?limit=many").status_code == 422


def test_the_document_says_what_the_route_declared(small: Flask) -> None:
    document = build_document(small, "1.2.3")
    make = document["paths"]["/things/{thing_id}"]["post"]
    assert (make["summary"], make["description"], make["security"]) == ("Make", "Makes a thing.", [{"bearer": []}])
    assert make["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}
    assert make["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewThing"}
    assert set(make["responses"]) == {"201", "400", "401", "404", "409", "413", "415", "422", "default"}
    listed = document["paths"]["/things"]["get"]
    assert listed["security"] == []
    assert [(one["name"], one["required"], one["schema"]["type"]) for one in listed["parameters"]] == [
        ("limit", False, "integer"), ("before", False, "string"),
    ]  # fmt: skip
    assert document["components"]["schemas"]["NewThing"]["additionalProperties"] is False


def test_the_document_of_the_app_is_valid_openapi_3_1(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert "/api/v1/sessions" in document["paths"]


def test_every_route_states_how_callers_prove_who_they_are(app: Flask) -> None:
    silent = [rule.rule for rule in rules(app) if operation_of(app.view_functions[rule.endpoint]) is None]
    assert silent == []


def test_every_route_for_signed_in_people_refuses_all_others_before_it_reads_what_they_sent(app: Flask) -> None:
    client = app.test_client()
    answers = {}
    for rule in rules(app):
        spec = operation_of(app.view_functions[rule.endpoint])
        if spec and spec.auth == "bearer":
            path = rule.rule.replace("<", "").replace(">", "")
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                answer = client.open(path, method=method, data=b"{", headers={"Authorization": "Bearer nonsense"})
                answers[method, rule.rule] = (answer.status_code, (answer.get_json() or {}).get("code"))
    assert len(answers) > 10
    assert set(answers.values()) == {(401, "unauthorized")}


def test_only_the_named_routes_are_open_to_all(app: Flask) -> None:
    found = {rule.rule for rule in rules(app) for spec in [operation_of(app.view_functions[rule.endpoint])]
             if spec and spec.auth == "none"}  # fmt: skip
    assert found == {
        "/", "/s/<session_id>", "/sw.js", "/healthz", "/readyz", "/api/v1/app", "/api/v1/client-errors",
        "/api/v1/csp-reports",
        "/api/v1/openapi.json", "/api/v1/asyncapi.json", "/api/v1/docs", "/api/v1/auth/signup", "/api/v1/auth/login",
        "/api/v1/auth/signup/confirm", "/api/v1/auth/login/second", "/api/v1/auth/email/confirm",
        "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset",
    }  # fmt: skip
