"""REST routes of accounts. What they change is in `actions` and `logins`; how often, in `limits` of the core."""

from uuid import NAMESPACE_URL, uuid5

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from zgpt.auth import actions, cookies, logins
from zgpt.auth.access import access_user, identity_or_none, require_identity, signed_in
from zgpt.auth.logins import SignedIn
from zgpt.auth.origin import require_own_origin
from zgpt.auth.schemas import Confirm, PasswordChange, SignedInOut, SignIn, Signup, UserOut, user_json
from zgpt.core import callers
from zgpt.core.config import settings
from zgpt.core.limits import hit, limited
from zgpt.core.openapi import operation

blueprint = Blueprint("auth", __name__, url_prefix=cookies.PATH)


@blueprint.post("/signup")
@limited("signup")
@operation(
    summary="Create an account", auth="none", request=Signup, responses={201: SignedInOut}, problems=(409, 429, 503)
)
def signup(body: Signup) -> ResponseReturnValue:
    """Signs in at once. The refresh token comes as a cookie that only these routes are sent."""
    answer = _welcome(actions.sign_up(body.email, body.password, body.name, _user_agent()))
    cookies.set_device_cookie(answer, body.email)
    answer.status_code = 201
    return answer


@blueprint.post("/login")
@operation(summary="Sign in", auth="none", request=SignIn, responses={200: SignedInOut}, problems=(401, 429, 503))
def login(body: SignIn) -> ResponseReturnValue:
    """The answer to an unknown e-mail and to a wrong password is the same."""
    _count_sign_in(body.email)
    answer = _welcome(actions.sign_in(body.email, body.password, _user_agent()))
    cookies.set_device_cookie(answer, body.email)
    return answer


@blueprint.post("/refresh")
@operation(summary="Renew the access token", auth="cookie", responses={200: SignedInOut}, problems=(401, 403, 503))
def refresh() -> ResponseReturnValue:
    """Uses the refresh cookie up and sets the next one. Using an older one again ends that login on every device."""
    require_own_origin()
    return _welcome(logins.renew(cookies.refresh_cookie()))


@blueprint.post("/logout")
@operation(summary="Sign out here", auth="cookie", responses={204: None}, problems=(403, 503))
def logout() -> ResponseReturnValue:
    """Ends the login of the cookie and of the access token, whichever are there, and closes its sockets."""
    require_own_origin()
    logins.end_presented(identity_or_none(), cookies.refresh_cookie())
    return _goodbye()


@blueprint.post("/logout-all")
@signed_in
@operation(summary="Sign out everywhere", responses={204: None})
def logout_all() -> ResponseReturnValue:
    """Ends all logins of the account and closes their sockets."""
    logins.end_all(require_identity())
    return _goodbye()


@blueprint.get("/me")
@signed_in
@operation(summary="Who am I", responses={200: UserOut})
def me() -> ResponseReturnValue:
    """The account of the access token."""
    return user_json(access_user(require_identity()))


@blueprint.post("/password")
@signed_in
@limited("login")
@operation(
    summary="Change the password",
    request=PasswordChange,
    responses={200: SignedInOut},
    problems=(403, 409, 429, 503),
)
def password(body: PasswordChange) -> ResponseReturnValue:
    """This login goes on, with new tokens; all others end."""
    return _welcome(actions.change_password(require_identity(), body.current_password, body.new_password))


@blueprint.delete("/me")
@signed_in
@limited("login")
@operation(summary="Delete the account", request=Confirm, responses={204: None}, problems=(403, 429, 503))
def delete_me(body: Confirm) -> ResponseReturnValue:
    """Removes the account with its sessions and messages, at once and for good."""
    actions.delete_account(require_identity(), body.password)
    return _goodbye()


def _count_sign_in(email: str) -> None:
    """Count a try for the address and for the e-mail; on a device that knows the e-mail, only for the two together.

    So nobody can lock a person out of their own devices by guessing, from wherever. Keys are ids made of the texts, so
    that an unknown e-mail is counted like a known one.
    """
    if cookies.is_known_device(email):
        hit("login", str(uuid5(NAMESPACE_URL, f"device:{email}")))
        return
    hit("login", str(uuid5(NAMESPACE_URL, f"address:{callers.network(callers.address())}")))
    hit("login", str(uuid5(NAMESPACE_URL, f"email:{email}")))


def _welcome(signed_in_now: SignedIn) -> Response:
    answer: Response = jsonify(
        access_token=signed_in_now.access_token,
        expires_in=settings().access_token_s,
        user=user_json(signed_in_now.user),
    )
    if signed_in_now.refresh_token is not None:
        cookies.set_refresh_cookie(answer, signed_in_now.refresh_token, signed_in_now.refresh_expires_at.timestamp())
    return answer


def _goodbye() -> Response:
    answer = Response(status=204)
    cookies.clear_refresh_cookie(answer)
    return answer


def _user_agent() -> str:
    return request.headers.get("User-Agent", "")
