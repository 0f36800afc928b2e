"""Check 22: a body sets what it is meant to set, an answer tells what it is meant to, and a method is what it says.

That no answer tells more than its schema is checked in full by the run of schemathesis.
"""

import json
from typing import Any

import pytest

from tests.security.chats import chat, new_name, person, socket_of
from tests.security.houses import AUTH, Browser, House
from tests.security.raw import ask
from tests.support.people import PASSWORD

Json = dict[str, Any]
ZERO = "00000000-0000-7000-8000-000000000000"
EXTRA: Json = {
    "id": ZERO,
    "user_id": ZERO,
    "tenant_id": ZERO,
    "site_id": ZERO,
    "owner": ZERO,
    "role": "admin",
    "kind": "guest",
    "is_admin": True,
    "revision": 10_000,
    "created_at": "2001-01-01T00:00:00Z",
    "deleted_at": None,
    "disabled_at": None,
    "password_hash": "$2b$04$",
    "__class__": "x",
    "__proto__": {"role": "admin"},
}
VALID: dict[str, Json] = {
    "POST /api/v1/auth/signup": {"email": "a@example.org", "password": PASSWORD},
    "POST /api/v1/auth/login": {"email": "a@example.org", "password": PASSWORD},
    "POST /api/v1/auth/login/second": {"challenge": "a", "code": "123456"},
    "POST /api/v1/auth/signup/confirm": {"token": "a"},
    "POST /api/v1/auth/email/confirm": {"token": "a"},
    "POST /api/v1/auth/email": {"email": "b@example.org", "password": PASSWORD},
    "POST /api/v1/auth/password": {"current_password": PASSWORD, "new_password": "another good long one"},
    "POST /api/v1/auth/password/forgot": {"email": "a@example.org"},
    "POST /api/v1/auth/password/reset": {"token": "a", "new_password": "another good long one"},
    "POST /api/v1/auth/keys": {"name": "a", "scopes": ["read"], "password": PASSWORD},
    "POST /api/v1/auth/second-factor": {"password": PASSWORD},
    "POST /api/v1/auth/second-factor/confirm": {"code": "123456"},
    "POST /api/v1/auth/second-factor/disable": {"password": PASSWORD, "code": "123456"},
    "POST /api/v1/auth/second-factor/recovery-codes": {"password": PASSWORD, "code": "123456"},
    "DELETE /api/v1/auth/me": {"password": PASSWORD},
    "POST /api/v1/client-errors": {"message": "a"},
    "POST /api/v1/sessions": {"title": "a"},
    "PATCH /api/v1/sessions/{session_id}": {"title": "a"},
    "POST /api/v1/sessions/{session_id}/messages": {"client_id": new_name(), "text": "a"},
    "POST /api/v1/messages": {"client_id": new_name(), "text": "a"},
    "POST /api/v1/messages/{message_id}/edit": {"client_id": new_name(), "text": "a"},
}
OWN_FIELDS = {("POST /api/v1/client-errors", "kind")}
"""Fields that the body has by this name, and means something else."""
SECRET_WORDS = ("hash", "secret", "password", "token_", "_token", "totp", "salt")
TOLD_ONCE = {"access_token", "secret"}
"""The token of a sign-in; the secret of a second factor, to whom sets it up."""


@pytest.fixture(scope="module")
def own(open_house: House) -> Browser:
    return person(open_house)


def test_sec_22_every_operation_with_a_body_is_tried(open_house: House) -> None:
    document = json.loads(ask(open_house.server, "/api/v1/openapi.json").body)
    with_body = {
        f"{method.upper()} {path}"
        for path, known in document["paths"].items()
        for method, operation in known.items()
        if "requestBody" in operation
    }
    assert with_body == set(VALID)


@pytest.mark.parametrize("operation", VALID)
def test_sec_22_a_field_too_many_is_refused_and_named(open_house: House, own: Browser, operation: str) -> None:
    session_id = own.ask("POST", "/api/v1/sessions", {}).json["id"]
    method, path = operation.format(session_id=session_id, message_id=ZERO).split(" ")
    for name in sorted(set(EXTRA) - {name for known, name in OWN_FIELDS if known == operation}):
        answer = own.ask(method, path, {**VALID[operation], name: EXTRA[name]})
        assert answer.status == 422, (name, answer)
        assert [error["field"] for error in answer.json["errors"]] == [name]


def test_sec_22_a_new_account_is_an_ordinary_one(own: Browser) -> None:
    shown = own.ask("GET", f"{AUTH}/me").json
    assert (shown["role"], shown["kind"]) == ("member", "user")
    assert set(shown) == {"id", "email", "name", "kind", "role", "created_at", "revision"}


def test_sec_22_a_command_sets_nothing_but_what_it_names(own: Browser) -> None:
    forged = {**{name: value for name, value in EXTRA.items() if name != "id"}, "model": "other", "parent_id": ZERO}
    with socket_of(own) as viewer:
        name = new_name()
        sent = viewer.online.command("message.send", client_id=name, text="Hi", status="completed", **forged)
        viewer.online.wait_for("run.completed", run_id=sent["run_id"])
    items = own.ask("GET", f"/api/v1/sessions/{sent['session_id']}/messages").json["items"]
    question = items[0]
    assert (question["role"], question["parent_id"], question["client_id"]) == ("user", None, name)
    assert question["id"] != ZERO
    assert not question["created_at"].startswith("2001")
    assert own.ask("GET", f"{AUTH}/me").json["role"] == "member"


def test_sec_22_no_schema_of_an_answer_has_a_place_for_a_secret(open_house: House) -> None:
    schemas = json.loads(ask(open_house.server, "/api/v1/openapi.json").body)["components"]["schemas"]
    answers = {name: schema for name, schema in schemas.items() if schema.get("additionalProperties") is not False}
    found = {
        field for schema in answers.values() for field in schema.get("properties", {})
        if any(word in field for word in SECRET_WORDS)
    }  # fmt: skip
    assert found <= TOLD_ONCE


def test_sec_22_what_a_session_tells_is_what_is_documented(own: Browser) -> None:
    had = chat(own)
    shown = own.ask("GET", f"/api/v1/sessions/{had.session_id}").json
    assert set(shown) == {"id", "title", "created_at", "updated_at", "revision", "user_revision", "leaf_id"}
    (message, *_) = own.ask("GET", f"/api/v1/sessions/{had.session_id}/messages").json["items"]
    assert "user_id" not in message


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_sec_22_a_header_does_not_make_another_method(own: Browser, header: str) -> None:
    session_id = own.ask("POST", "/api/v1/sessions", {}).json["id"]
    path = f"/api/v1/sessions/{session_id}"
    own.ask("GET", path, None, **{header: "DELETE"})
    assert own.ask("POST", path, {}, **{header: "DELETE"}).status == 405
    assert own.ask("GET", f"{path}/messages?_method=DELETE").status == 422
    assert own.ask("GET", path).status == 200


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "PROPFIND", "delete", "X"])
def test_sec_22_a_method_that_is_not_taken_is_refused(open_house: House, own: Browser, method: str) -> None:
    session_id = own.ask("POST", "/api/v1/sessions", {}).json["id"]
    path = f"/api/v1/sessions/{session_id}"
    assert ask(open_house.server, path, method, Authorization=f"Bearer {own.token}").status in {400, 405}
    assert own.ask("GET", path).status == 200


@pytest.mark.parametrize("query", ["limit=1&limit=100", "since=1&since=0", "limit=1&user_id=" + ZERO, "limit[]=1"])
def test_sec_22_a_parameter_given_twice_or_made_up_is_refused(own: Browser, query: str) -> None:
    answer = own.ask("GET", f"/api/v1/sessions?{query}")
    assert answer.status == 422
    assert answer.json["errors"]


def test_sec_22_a_form_is_no_body(open_house: House, own: Browser) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        fields = {"Content_Type": kind, "Authorization": f"Bearer {own.token}"}
        assert ask(open_house.server, "/api/v1/sessions", "POST", b'{"title":"a"}', **fields).status == 415
