"""REST routes of mailed links: confirm an account, choose a new password, take another e-mail."""

from typing import Annotated

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from zgpt.auth import link_actions
from zgpt.auth.access import require_identity, signed_in
from zgpt.auth.answers import user_agent, welcome
from zgpt.auth.schemas import Email, Password, SecretBody, SignedInOut, UserOut, user_json
from zgpt.auth.ticket_actions import MAX_TOKEN_CHARS
from zgpt.core.limits import limited
from zgpt.core.openapi import operation

blueprint = Blueprint("links", __name__)

Token = Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_CHARS)]


class LinkBody(SecretBody):
    """The secret of a link."""

    token: Token


class Forgotten(SecretBody):
    """Whose password was forgotten."""

    email: Email


class NewPassword(SecretBody):
    """The secret of a link, and the password to have from now on."""

    token: Token
    new_password: Password


class NewEmail(SecretBody):
    """The e-mail to have, and the password."""

    email: Email
    password: Password


class Nothing(BaseModel):
    """Taken; what comes of it is told by mail."""


@blueprint.post("/signup/confirm")
@limited("login")
@operation(
    summary="Make the account of a link",
    auth="none",
    request=LinkBody,
    responses={201: SignedInOut},
    problems=(409, 429, 503),
)
def confirm_sign_up(body: LinkBody) -> ResponseReturnValue:
    """Signs in at once, like a sign-up without mail."""
    answer = welcome(link_actions.confirm_sign_up(body.token, user_agent()), device=True)
    answer.status_code = 201
    return answer


@blueprint.post("/password/forgot")
@limited("login")
@operation(
    summary="Ask for a new password", auth="none", request=Forgotten, responses={202: Nothing}, problems=(409, 429)
)
def forgot(body: Forgotten) -> Nothing:
    """The same answer, at the same speed, whether there is an account or not."""
    link_actions.require_mail()
    link_actions.ask_for_password(body.email)
    return Nothing()


@blueprint.post("/password/reset")
@limited("login")
@operation(
    summary="Choose a new password", auth="none", request=NewPassword, responses={204: None}, problems=(429, 503)
)
def reset(body: NewPassword) -> ResponseReturnValue:
    """Ends all sign-ins and API keys of the account. Sign in afterwards, with the second factor if there is one."""
    link_actions.reset_password(body.token, body.new_password)
    return "", 204


@blueprint.post("/email")
@signed_in
@limited("login")
@operation(summary="Ask for another e-mail", request=NewEmail, responses={202: Nothing}, problems=(403, 409, 429, 503))
def ask_for_email(body: NewEmail) -> Nothing:
    """The new address gets a link. Nothing changes before it is opened."""
    link_actions.require_mail()
    link_actions.ask_for_email(require_identity(), body.password, body.email)
    return Nothing()


@blueprint.post("/email/confirm")
@limited("login")
@operation(
    summary="Take the e-mail of a link",
    auth="none",
    request=LinkBody,
    responses={200: UserOut},
    problems=(409, 429, 503),
)
def confirm_email(body: LinkBody) -> ResponseReturnValue:
    """The address from before is told."""
    return user_json(link_actions.confirm_email(body.token))
