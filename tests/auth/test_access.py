"""From a request to an identity, and from an identity to its account."""

import pytest
from flask import Flask

from tests.auth.support import login_id_of
from tests.conftest import SignedIn
from zgpt.auth import access
from zgpt.auth.tokens import Identity
from zgpt.core import callers
from zgpt.core.errors import Unauthorized
from zgpt.core.ids import new_id


def test_an_identity_is_checked_once_a_request(
    app: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = signed_in()
    with app.test_request_context(headers=person.headers):
        first = access.require_identity()
        monkeypatch.setattr(access, "verify_access", None)
        assert access.require_identity() is first
        assert callers.user_id() == person.id


def test_an_identity_is_of_one_request_only(app: Flask, signed_in: SignedIn) -> None:
    one, two = signed_in(), signed_in()
    with app.app_context():
        for person in (one, two):
            with app.test_request_context(headers=person.headers):
                assert access.require_identity().login_id == login_id_of(person)


def test_a_view_for_the_signed_in_does_not_run_for_others(app: Flask, signed_in: SignedIn) -> None:
    person, runs = signed_in(), []

    @access.signed_in
    def view(word: str) -> str:
        runs.append(word)
        return word

    with app.test_request_context(headers=person.headers):
        assert view("hello") == "hello"
    with app.test_request_context(), pytest.raises(Unauthorized):
        view("hello")
    assert runs == ["hello"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic abc"])
def test_a_header_without_bearer_token_is_refused(app: Flask, header: str) -> None:
    with app.test_request_context(headers={"Authorization": header}):
        with pytest.raises(Unauthorized):
            access.bearer_token()
        assert access.identity_or_none() is None


def test_the_scheme_of_the_header_has_no_case(app: Flask) -> None:
    with app.test_request_context(headers={"Authorization": "bEaReR abc"}):
        assert access.bearer_token() == "abc"


def test_where_the_cookie_may_do_the_identity_is_still_taken(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    with app.test_request_context(headers=person.headers):
        identity = access.identity_or_none()
        assert identity is not None
        assert access.access_user(identity).email == person.email


def test_an_account_that_is_gone_is_not_signed_in(app: Flask) -> None:
    with app.app_context(), pytest.raises(Unauthorized):
        access.access_user(Identity(new_id(), new_id(), "member", 0))
