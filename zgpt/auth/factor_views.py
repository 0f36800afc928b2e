"""REST routes of the second factor."""

from typing import Annotated

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from zgpt.auth import factor_actions, queries
from zgpt.auth.access import require_identity, signed_in
from zgpt.auth.codes import MAX_CODE_CHARS
from zgpt.auth.schemas import Confirm, Password, SecretBody
from zgpt.core.limits import limited
from zgpt.core.openapi import operation

blueprint = Blueprint("second_factor", __name__, url_prefix="/second-factor")

Code = Annotated[str, Field(min_length=1, max_length=MAX_CODE_CHARS)]
Squares = Annotated[str, Field(pattern="^[01]+$")]


class CodeBody(SecretBody):
    """A code of the app."""

    code: Code


class PasswordAndCode(SecretBody):
    """The password and a code of the app, or a recovery code."""

    password: Password
    code: Code


class FactorOut(BaseModel):
    """Whether a code is asked for at sign-in, and how many recovery codes are left."""

    enabled: bool
    recovery_codes_left: int


class EnrolmentOut(BaseModel):
    """For the authenticator app: the secret to type, the same as a link, and that link as a QR code."""

    secret: str
    uri: str
    squares: list[Squares] = Field(description="The rows of the QR code: `0` is light, `1` is dark; no quiet zone.")


class RecoveryCodesOut(BaseModel):
    """Codes for when the app is lost, each good once. Shown this once."""

    recovery_codes: list[str]


@blueprint.get("")
@signed_in
@operation(summary="Is the second factor on", responses={200: FactorOut})
def read() -> FactorOut:
    """Says nothing about the secret."""
    user_id = require_identity().user_id
    enabled = queries.second_factor_of(user_id) is not None
    return FactorOut(enabled=enabled, recovery_codes_left=queries.recovery_codes_left(user_id))


@blueprint.post("")
@signed_in
@limited("login")
@operation(
    summary="Set the second factor up", request=Confirm, responses={200: EnrolmentOut}, problems=(403, 409, 429, 503)
)
def begin(body: Confirm) -> EnrolmentOut:
    """Nothing changes until a code is confirmed."""
    begun = factor_actions.begin(require_identity(), body.password)
    return EnrolmentOut(secret=begun.secret, uri=begun.uri, squares=begun.squares)


@blueprint.post("/confirm")
@signed_in
@limited("login")
@operation(
    summary="Turn the second factor on",
    request=CodeBody,
    responses={200: RecoveryCodesOut},
    problems=(403, 409, 429, 503),
)
def confirm(body: CodeBody) -> RecoveryCodesOut:
    """With a first code of the app. From then on every sign-in asks for one."""
    return RecoveryCodesOut(recovery_codes=factor_actions.confirm(require_identity(), body.code))


@blueprint.post("/recovery-codes")
@signed_in
@limited("login")
@operation(
    summary="Make other recovery codes",
    request=PasswordAndCode,
    responses={200: RecoveryCodesOut},
    problems=(403, 429, 503),
)
def renew(body: PasswordAndCode) -> RecoveryCodesOut:
    """Those from before stop working."""
    fresh = factor_actions.renew_recovery_codes(require_identity(), body.password, body.code)
    return RecoveryCodesOut(recovery_codes=fresh)


@blueprint.post("/disable")
@signed_in
@limited("login")
@operation(
    summary="Turn the second factor off", request=PasswordAndCode, responses={204: None}, problems=(403, 429, 503)
)
def disable(body: PasswordAndCode) -> ResponseReturnValue:
    """The password alone signs in again."""
    factor_actions.turn_off(require_identity(), body.password, body.code)
    return "", 204
