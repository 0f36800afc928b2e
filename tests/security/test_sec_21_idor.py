"""Check 21: every operation and command that names a thing by its id, tried by everybody who has no right to it.

The lists are held against the OpenAPI document and the commands: a route or command that is not listed fails.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.security.chats import Chat, admin, api_key, begun_chat, chat, new_name, person
from tests.security.houses import AUTH, Browser, House
from tests.security.raw import Reply, ask
from tests.support.people import PASSWORD
from tests.support.processes import polls
from zgpt.realtime import protocol

Json = dict[str, Any]
LOOK_AT_ONE_THING = {
    "GET /api/v1/sessions/{session_id}": None,
    "GET /api/v1/sessions/{session_id}/messages": None,
    "GET /api/v1/sessions/{session_id}/changes": None,
    "GET /api/v1/runs/{run_id}": None,
    "GET /api/v1/runs/{run_id}/events": None,
    "PATCH /api/v1/sessions/{session_id}": {"title": "Mine"},
    "POST /api/v1/sessions/{session_id}/messages": {"client_id": new_name(), "text": "Hi"},
    "POST /api/v1/messages/{message_id}/edit": {"client_id": new_name(), "text": "Hi"},
    "POST /api/v1/messages/{message_id}/regenerate": None,
    "POST /api/v1/runs/{run_id}/stop": None,
    "DELETE /api/v1/auth/keys/{key_id}": None,
    "DELETE /api/v1/auth/logins/{login_id}": None,
    "DELETE /api/v1/sessions/{session_id}": None,
}
"""Every operation with an id in its path, and its body; the last ones end what the others need."""

OWN_OR_NOBODYS = {
    "GET /api/v1/app", "GET /api/v1/asyncapi.json", "GET /api/v1/docs", "GET /api/v1/openapi.json", "GET /healthz",
    "GET /metrics", "GET /readyz", "GET /ws", "POST /api/v1/client-errors", "POST /api/v1/csp-reports",
    "GET /api/v1/sessions", "POST /api/v1/sessions", "GET /api/v1/usage", "POST /api/v1/messages",
    "GET /api/v1/auth/me", "DELETE /api/v1/auth/me", "GET /api/v1/auth/me/export", "POST /api/v1/auth/email",
    "POST /api/v1/auth/email/confirm", "GET /api/v1/auth/keys", "POST /api/v1/auth/keys", "POST /api/v1/auth/login",
    "POST /api/v1/auth/login/second", "GET /api/v1/auth/logins", "POST /api/v1/auth/logout",
    "POST /api/v1/auth/logout-all", "POST /api/v1/auth/password", "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset", "POST /api/v1/auth/refresh", "GET /api/v1/auth/second-factor",
    "POST /api/v1/auth/second-factor", "POST /api/v1/auth/second-factor/confirm",
    "POST /api/v1/auth/second-factor/disable", "POST /api/v1/auth/second-factor/recovery-codes",
    "POST /api/v1/auth/signup", "POST /api/v1/auth/signup/confirm",
}  # fmt: skip
"""Operations without an id of anything: they are about the caller alone, or open to all."""

COMMANDS_WITH_IDS = {"session.open", "session.close", "message.send", "message.edit", "run.stop", "run.regenerate"}
"""Tried with the ids of somebody else in test_sec_06_commands.py."""
COMMANDS_WITHOUT = {"hello", "auth.refresh", "ping"}
NAMES_OF_THE_CLIENT = {"id", "client_id"}


@dataclass(frozen=True, slots=True)
class Things:
    """What one person has, by the names that paths give to ids."""

    owner: Browser
    ids: dict[str, str]


@pytest.fixture(scope="module")
def document(open_house: House) -> Json:
    found: Json = json.loads(ask(open_house.server, "/api/v1/openapi.json").body)
    return found


@pytest.fixture(scope="module")
def things(open_house: House) -> Things:
    return things_of(person(open_house))


@pytest.fixture(scope="module")
def callers(open_house: House) -> dict[str, str]:
    """Who has no right to it, by the token that they bring."""
    other = person(open_house)
    chat(other)
    keys = {"their key": api_key(other), "their key that reads": api_key(other, "read")}
    return {"another person": other.token, **keys, "an admin": admin(open_house).token}


def things_of(owner: Browser) -> Things:
    had: Chat = chat(owner)
    api_key(owner)
    (key,) = owner.ask("GET", f"{AUTH}/keys").json["items"]
    Browser(owner.server, owner.email).sign_in()
    (login,) = [item for item in owner.ask("GET", f"{AUTH}/logins").json["items"] if not item["current"]]
    ids = {"session_id": had.session_id, "message_id": had.answer_id, "run_id": had.run_id}
    ids["question_id"] = had.message_id
    return Things(owner, {**ids, "key_id": key["id"], "login_id": login["id"]})


def call(server: Any, operation: str, ids: dict[str, str], token: str) -> Reply:
    if operation.endswith("/edit"):
        ids = {**ids, "message_id": ids.get("question_id", "")}
    method, path = operation.format(**ids).split(" ")
    body = LOOK_AT_ONE_THING[operation]
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        fields["Content-Type"] = "application/json"
    return ask(server, path, method, json.dumps(body).encode() if body is not None else None, **fields)


def wait_for_end(owner: Browser, run_id: str) -> None:
    """One answer at a time is written in a session."""
    for _ in polls(10.0):
        if owner.ask("GET", f"/api/v1/runs/{run_id}").json["status"] == "completed":
            return


def without_time(reply: Reply) -> tuple[int, bytes, set[str]]:
    return reply.status, reply.body, set(reply.headers)


def test_sec_21_every_operation_is_listed(document: Json) -> None:
    operations = {f"{method.upper()} {path}" for path, known in document["paths"].items() for method in known}
    with_ids = {operation for operation in operations if "{" in operation}
    assert with_ids == set(LOOK_AT_ONE_THING)
    assert operations - with_ids == OWN_OR_NOBODYS


def test_sec_21_no_body_and_no_query_names_a_thing_by_its_id(document: Json) -> None:
    """Else that operation belongs into the matrix, with somebody else's id in its body."""
    named = set()
    for known in document["paths"].values():
        for operation in known.values():
            named |= {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rpartition("/")[2]
            named |= set(document["components"]["schemas"].get(name, {}).get("properties", {}))
    assert {name for name in named if name.endswith("id")} <= NAMES_OF_THE_CLIENT


def test_sec_21_every_command_is_listed() -> None:
    known = {command.__struct_config__.tag: set(command.__struct_fields__) for command in protocol.COMMANDS}
    with_ids = {tag for tag, fields in known.items() if {f for f in fields if f.endswith("id")} - NAMES_OF_THE_CLIENT}
    assert with_ids == COMMANDS_WITH_IDS
    assert set(known) - with_ids == COMMANDS_WITHOUT


@pytest.mark.parametrize("who", ["another person", "their key", "their key that reads", "an admin"])
@pytest.mark.parametrize("operation", LOOK_AT_ONE_THING)
def test_sec_21_an_id_of_somebody_else_answers_like_one_that_does_not_exist(
    things: Things, callers: dict[str, str], operation: str, who: str
) -> None:
    server = things.owner.server
    theirs = call(server, operation, things.ids, callers[who])
    missing = call(server, operation, dict.fromkeys(things.ids, new_name()), callers[who])
    assert without_time(theirs) == without_time(missing)
    # A key is refused where it may do nothing at all, whatever the id.
    assert theirs.status == 404 or (theirs.status == 403 and "key" in who)


@pytest.mark.parametrize("operation", LOOK_AT_ONE_THING)
def test_sec_21_nobody_is_told_to_sign_in(things: Things, operation: str) -> None:
    answer = call(things.owner.server, operation, things.ids, "")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", LOOK_AT_ONE_THING)
def test_sec_21_an_id_that_is_none_is_not_found(things: Things, operation: str) -> None:
    for odd in ("1", "%00", "..%2f", "null", new_name().upper() + "0", "%F0%9F%98%80"):
        answer = call(things.owner.server, operation, dict.fromkeys(things.ids, odd), things.owner.token)
        assert answer.status == 404


def test_sec_21_the_owner_may_do_all_of_it_even_after_the_attempts_of_others(things: Things) -> None:
    statuses = {}
    for operation in LOOK_AT_ONE_THING:
        answer = call(things.owner.server, operation, things.ids, things.owner.token)
        statuses[operation] = answer.status
        if answer.status == 202 and b"run_id" in answer.body:
            wait_for_end(things.owner, json.loads(answer.body)["run_id"])
    assert {status // 100 for status in statuses.values()} == {2}, statuses


def test_sec_21_a_stranger_cannot_stop_or_follow_a_live_answer(open_house: House, callers: dict[str, str]) -> None:
    live = begun_chat(person(open_house), "count:100@50")
    ids = {"run_id": live.run_id}
    for operation in ("POST /api/v1/runs/{run_id}/stop", "GET /api/v1/runs/{run_id}/events"):
        assert call(open_house.server, operation, ids, callers["another person"]).status == 404
    shown = live.owner.ask("GET", f"/api/v1/runs/{live.run_id}").json
    assert shown["status"] == "streaming"


def test_sec_21_lists_and_exports_hold_the_callers_own_things_alone(open_house: House, things: Things) -> None:
    other = person(open_house)
    mine = chat(other, "echo:only mine")
    for path in ("/api/v1/sessions", "/api/v1/sessions?since=0", f"{AUTH}/keys", f"{AUTH}/logins", f"{AUTH}/me/export"):
        told = ask(open_house.server, path, Authorization=f"Bearer {other.token}").body.decode()
        assert not [name for name in things.ids.values() if name in told]
    stolen = other.ask("GET", f"/api/v1/sessions/{mine.session_id}/messages?before={things.ids['message_id']}")
    assert stolen.status == 422
    assert PASSWORD not in str(stolen)
