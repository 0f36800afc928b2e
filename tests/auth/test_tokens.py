"""Access tokens: every forgery gets the same 401."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import event

from tests.auth.support import AUTH, claims_of, token_of
from tests.support.people import Person
from zgpt.auth.keyring import keyring
from zgpt.auth.models import Login, User
from zgpt.auth.tokens import issue_access, verify_access
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.core.errors import Unauthorized
from zgpt.core.ids import new_id
from zgpt.core.keys import SKEW_S

Json = dict[str, Any]
OTHER_SECRET = "another secret of more than thirty-two bytes"


def _status_and_body(app: Flask, token: str) -> tuple[int, bytes]:
    client = app.test_client(use_cookies=False)
    answer = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.data


def _signed(app: Flask, claims: Json, headers: Json, secret: str | None = None, algorithm: str = "HS256") -> str:
    with app.app_context():
        kid, own = keyring().signer()
    return jwt.encode(claims, secret or own, algorithm, {"kid": kid, "typ": "at+jwt", **headers})


def _unsigned(token: str, algorithm: str) -> str:
    header = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    raw = json.dumps({**header, "alg": algorithm}).encode()
    return f"{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.{token.split('.')[1]}."


CLAIMS: dict[str, Callable[[Json], Json]] = {
    "expired a second ago": lambda claims: {**claims, "exp": clock.now_ms() // 1_000 - 1},
    "no expiry": lambda claims: {k: v for k, v in claims.items() if k != "exp"},
    "expiry is a text": lambda claims: {**claims, "exp": "9999999999"},
    "expiry is infinite": lambda claims: {**claims, "exp": float("inf")},
    "a refresh token": lambda claims: {**claims, "type": "refresh"},
    "of another audience": lambda claims: {**claims, "aud": "other-api"},
    "without audience": lambda claims: {k: v for k, v in claims.items() if k != "aud"},
    "of another issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "without issuer": lambda claims: {k: v for k, v in claims.items() if k != "iss"},
    "without login": lambda claims: {k: v for k, v in claims.items() if k != "lid"},
    "login is a number": lambda claims: {**claims, "lid": 7},
    "subject is a list": lambda claims: {**claims, "sub": ["x"]},
    "subject is no id": lambda claims: {**claims, "sub": "admin' --"},
    "login of nobody": lambda claims: {**claims, "lid": new_id()},
    "subject is another user": lambda claims: {**claims, "sub": new_id()},
    "issued tomorrow": lambda claims: {**claims, "iat": claims["iat"] + 86_400},
}
HEADERS: dict[str, Json] = {
    "unknown kid": {"kid": "k-unknown"},
    "kid is a path": {"kid": "../../../../dev/null"},
    "kid is SQL": {"kid": "x' UNION SELECT 'secret"},
    "kid is empty": {"kid": ""},
    "plain JWT type": {"typ": "JWT"},
    "refresh type": {"typ": "rt+jwt"},
    "jku": {"jku": "https://evil.example/jwks.json"},
    "x5u": {"x5u": "https://evil.example/cert.pem"},
    "jwk": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "crit": {"crit": ["exp"]},
}


def _refused(app: Flask, token: str) -> None:
    assert _status_and_body(app, token) == (401, _status_and_body(app, "x")[1])


@pytest.mark.parametrize("case", CLAIMS)
def test_sec_13_claims_that_are_not_right_are_refused(app: Flask, person: Person, case: str) -> None:
    claims = claims_of(person.access_token)
    assert _status_and_body(app, _signed(app, claims, {}))[0] == 200
    _refused(app, _signed(app, CLAIMS[case](claims), {}))


@pytest.mark.parametrize("case", HEADERS)
def test_sec_13_headers_that_are_not_ours_are_refused(app: Flask, person: Person, case: str) -> None:
    _refused(app, _signed(app, claims_of(person.access_token), HEADERS[case]))


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "HS256", "RS256", "HS999", ""])
def test_sec_13_a_token_without_signature_is_refused(app: Flask, person: Person, algorithm: str) -> None:
    _refused(app, _unsigned(person.access_token, algorithm))


@pytest.mark.parametrize(("secret", "algorithm"), [(OTHER_SECRET, "HS256"), (None, "HS384"), (None, "HS512")])
def test_sec_13_another_key_or_algorithm_is_refused(
    app: Flask, person: Person, secret: str | None, algorithm: str
) -> None:
    _refused(app, _signed(app, claims_of(person.access_token), {}, secret, algorithm))


@pytest.mark.parametrize("kid", [7, None, ["a"], {"a": 1}, True])
def test_sec_13_a_kid_that_is_no_text_is_refused(app: Flask, person: Person, kid: object) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode()).decode()
    _refused(app, ".".join([head.rstrip("="), *person.access_token.split(".")[1:]]))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b.c",
        "é.ü.ö",
        "W10.W10.W10",
        "x" * 5_000,
        base64.urlsafe_b64encode(b"[" * 2_000).decode() + ".e30.x",
    ],
)
def test_sec_13_what_is_no_token_is_refused(app: Flask, token: str) -> None:
    with app.app_context(), pytest.raises(Unauthorized, match=r"^Sign in to do this\.$"):
        verify_access(token)


def test_sec_13_a_token_without_kid_is_refused(app: Flask, person: Person) -> None:
    with app.app_context():
        secret = keyring().signer()[1]
    _refused(app, jwt.encode(claims_of(person.access_token), secret, "HS256", {"typ": "at+jwt"}))


def test_sec_13_the_refresh_token_is_no_access_token(app: Flask, person: Person) -> None:
    _refused(app, token_of(person.client))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "token"])
def test_without_a_bearer_token_nobody_is_signed_in(app: Flask, header: str) -> None:
    answer = app.test_client().get(f"{AUTH}/me", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_says_who_by_which_device_and_until_when(app: Flask, person: Person) -> None:
    claims = claims_of(person.access_token)
    with app.app_context():
        identity = verify_access(person.access_token)
    assert (identity.user_id, identity.login_id, identity.role) == (person.id, claims["lid"], "member")
    assert identity.expires_at == claims["exp"]
    assert jwt.get_unverified_header(person.access_token)["kid"]


def test_a_token_ends_by_our_clock(app: Flask, person: Person) -> None:
    with app.app_context():
        verify_access(person.access_token)
        with clock.moved(901), pytest.raises(Unauthorized):
            verify_access(person.access_token)
        with clock.moved(100_000):
            verify_access(issue_access(person.id, claims_of(person.access_token)["lid"]))


def test_a_role_is_read_anew_with_every_token_check(app: Flask, person: Person) -> None:
    with app.app_context():
        db.session.get_one(User, person.id).role = "admin"
        db.session.commit()
        assert verify_access(person.access_token).role == "admin"


def test_a_login_that_has_run_out_verifies_nothing(app: Flask, person: Person) -> None:
    with app.app_context():
        login = db.session.get_one(Login, claims_of(person.access_token)["lid"])
        login.expires_at = login.created_at
        db.session.commit()
        with pytest.raises(Unauthorized):
            verify_access(person.access_token)


def test_a_check_costs_one_query(app: Flask, person: Person) -> None:
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        verify_access(person.access_token)
    assert len([one for one in statements if not one.startswith("BEGIN")]) == 1


def test_a_token_is_in_no_log(app: Flask, person: Person, caplog: pytest.LogCaptureFixture) -> None:
    secrets = [person.access_token, token_of(person.client)]
    person.client.post(f"{AUTH}/refresh")
    person.client.post(f"{AUTH}/logout", headers=person.headers)
    _status_and_body(app, person.access_token)
    written = caplog.text
    assert "/api/v1/auth/logout" in written
    assert not [one for secret in secrets for one in secret.split(".") if len(one) > 40 and one in written]


def test_a_token_of_a_machine_whose_clock_is_ahead_is_good(app: Flask, person: Person) -> None:
    claims = claims_of(person.access_token)
    for ahead_s, status in ((int(SKEW_S) - 5, 200), (int(SKEW_S) + 60, 401)):
        token = _signed(app, {**claims, "iat": claims["iat"] + ahead_s}, {})
        assert _status_and_body(app, token)[0] == status
