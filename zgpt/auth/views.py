"""REST routes of accounts. What they change is in `actions` and `logins`; how often, in `limits` of the core."""

from uuid import NAMESPACE_URL, uuid5

from flask import Blueprint
from flask.typing import ResponseReturnValue

from zgpt.auth import actions, cookies, device_views, factor_views, key_views, link_actions, link_views, logins
from zgpt.auth import sign_in_actions as sign_ins
from zgpt.auth.access import access_user, identity_or_none, require_identity, signed_in
from zgpt.auth.answers import goodbye, user_agent, welcome
from zgpt.auth.mail import is_on
from zgpt.auth.origin import require_own_origin
from zgpt.auth.schemas import (
    ChallengeOut,
    Confirm,
    PasswordChange,
    SecondStep,
    SentOut,
    SignedInOut,
    SignIn,
    Signup,
    UserOut,
    user_json,
)
from zgpt.core import callers
from zgpt.core.limits import hit, limited
from zgpt.core.openapi import operation

blueprint = Blueprint("auth", __name__, url_prefix=cookies.PATH)
for part in (device_views, factor_views, key_views, link_views):
    blueprint.register_blueprint(part.blueprint)


@blueprint.post("/signup")
@limited("signup")
@operation(
    summary="Create an account",
    auth="none",
    request=Signup,
    responses={201: SignedInOut, 202: SentOut},
    problems=(409, 429, 503),
)
def signup(body: Signup) -> ResponseReturnValue:
    """Signs in at once (201). Where mail is sent, the same 202 for every address: the letter says what follows."""
    if is_on():
        link_actions.ask_to_sign_up(body.email, body.password, body.name)
        return {"mail": "sent"}, 202
    answer = welcome(actions.sign_up(body.email, body.password, body.name, user_agent()), device=True)
    answer.status_code = 201
    return answer


@blueprint.post("/login")
@operation(
    summary="Sign in",
    auth="none",
    request=SignIn,
    responses={200: SignedInOut, 202: ChallengeOut},
    problems=(401, 429, 503),
)
def login(body: SignIn) -> ResponseReturnValue:
    """The answer to an unknown e-mail and to a wrong password is the same. 202 asks for the second factor's code."""
    device = cookies.known_device(body.email)
    _count_sign_in(body.email, device)
    result = sign_ins.sign_in(body.email, body.password, user_agent(), known_device=device is not None)
    if isinstance(result, sign_ins.Challenge):
        return {"challenge": result.token, "expires_in": sign_ins.CHALLENGE_LIFE_S}, 202
    return welcome(result, device=True)


@blueprint.post("/login/second")
@limited("login")
@operation(
    summary="Sign in with the second factor",
    auth="none",
    request=SecondStep,
    responses={200: SignedInOut},
    problems=(401, 429, 503),
)
def login_second(body: SecondStep) -> ResponseReturnValue:
    """The second half of a sign-in, within five minutes and five tries, by the program that began it."""
    return welcome(sign_ins.finish(body.challenge, body.code, user_agent(), cookies.known_device), device=True)


@blueprint.post("/refresh")
@operation(summary="Renew the access token", auth="cookie", responses={200: SignedInOut}, problems=(401, 403, 503))
def refresh() -> ResponseReturnValue:
    """Uses the refresh cookie up and sets the next one. Using an older one again ends that login on every device."""
    require_own_origin()
    return welcome(logins.renew(cookies.refresh_cookie()))


@blueprint.post("/logout")
@operation(summary="Sign out here", auth="presented", responses={204: None}, problems=(403, 503))
def logout() -> ResponseReturnValue:
    """Ends the login of the cookie and of the access token, whichever are there, and closes its sockets."""
    require_own_origin()
    logins.end_presented(identity_or_none(), cookies.refresh_cookie())
    return goodbye()


@blueprint.post("/logout-all")
@signed_in
@operation(summary="Sign out everywhere", responses={204: None})
def logout_all() -> ResponseReturnValue:
    """Ends all logins of the account and closes their sockets."""
    logins.end_all(require_identity())
    return goodbye()


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
    return welcome(actions.change_password(require_identity(), body.current_password, body.new_password))


@blueprint.delete("/me")
@signed_in
@limited("login")
@operation(summary="Delete the account", request=Confirm, responses={204: None}, problems=(403, 429, 503))
def delete_me(body: Confirm) -> ResponseReturnValue:
    """Removes the account with its sessions and messages, at once and for good."""
    actions.delete_account(require_identity(), body.password)
    return goodbye()


def _count_sign_in(email: str, device: str | None) -> None:
    """Count a try for the address and for the e-mail; on a device that knows the e-mail, for that device alone.

    So nobody can lock a person out of their own devices by guessing, from wherever, not even from another browser in
    which that person once signed in. Keys are ids made of the texts, so that an unknown e-mail is counted like a known
    one.
    """
    if device:
        hit("login", str(uuid5(NAMESPACE_URL, f"device:{device}")))
        return
    hit("login", str(uuid5(NAMESPACE_URL, f"address:{callers.network(callers.address())}")))
    hit("login", str(uuid5(NAMESPACE_URL, f"email:{email}")))
