"""Shapes of accounts: what comes in is checked here, what goes out is made here. Hashing is in `passwords`."""

import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator

from zgpt.auth.common_passwords import is_common
from zgpt.auth.models import User
from zgpt.core import clock
from zgpt.core.errors import Invalid
from zgpt.core.inputs import Body

EMAIL_CHARS = 254
NAME_CHARS = 100
PASSWORD_MIN_CHARS = 8
PASSWORD_MAX_CHARS = 256
PASSWORD_MAX_BYTES = 1024
_ATOM = r"""[^\s@.()<>\[\]:;,\\"\x00-\x1f\x7f]"""
"""None of the characters by which the head of a letter would name somebody else (RFC 5322 §3.2.3, "specials")."""
_EMAIL = re.compile(rf"(?:{_ATOM}|\.){{1,64}}@{_ATOM}+(\.{_ATOM}+)*")

Json = dict[str, Any]


def clean_email(text: str) -> str:
    """The e-mail as it is kept: trimmed, lower-cased. Only its form is checked, for only a letter could prove more."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    if len(email) > EMAIL_CHARS or not _EMAIL.fullmatch(email):
        raise ValueError("is not an e-mail address")
    return email


def clean_name(text: str) -> str:
    """The name without white space around it; empty is allowed, control characters are not."""
    name = unicodedata.normalize("NFC", text).strip()
    if len(name) > NAME_CHARS:
        raise ValueError(f"must have at most {NAME_CHARS} characters")
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in name):
        raise ValueError("must not contain control characters")
    return name


def check_size(password: str) -> str:
    """The password as it is, if it is within the bounds of what is hashed; nothing is ever cut off."""
    if len(password) > PASSWORD_MAX_CHARS or len(password.encode()) > PASSWORD_MAX_BYTES:
        raise ValueError(f"must have at most {PASSWORD_MAX_CHARS} characters and {PASSWORD_MAX_BYTES} bytes")
    return password


def check_new_password(password: str, email: str | None, name: str, field: str) -> None:
    """Raises Invalid, naming the field, for a password that is too short or among what everybody tries first."""
    local, _, domain = (email or "").partition("@")
    own_words = (local, domain.partition(".")[0], email or "", *name.split())
    if len(password) < PASSWORD_MIN_CHARS:
        raise _refused(field, f"must have at least {PASSWORD_MIN_CHARS} characters")
    if is_common(password, *own_words):
        raise _refused(
            field, "is among the first that are tried; choose another, like a few words that only you would join"
        )


def _refused(field: str, why: str) -> Invalid:
    return Invalid(f"The password {why}.", code="weak_password", errors=[{"field": field, "message": why}])


_PASSWORD_SCHEMA = Field(json_schema_extra={"format": "password", "maxLength": PASSWORD_MAX_CHARS})
Email = Annotated[
    str, AfterValidator(clean_email), Field(json_schema_extra={"format": "email", "maxLength": EMAIL_CHARS})
]
Password = Annotated[str, AfterValidator(check_size), _PASSWORD_SCHEMA]
Name = Annotated[str, AfterValidator(clean_name), Field(json_schema_extra={"maxLength": NAME_CHARS})]


class SecretBody(Body):
    """A body with a password: U+0000 is a character like others there, for no database ever sees it."""

    @field_validator("*")
    @classmethod
    def _check_text(cls, value: Any) -> Any:
        return value


class Signup(SecretBody):
    """A new account."""

    email: Email
    password: Password
    name: Name = ""


class SignIn(SecretBody):
    """An e-mail and its password."""

    email: Email
    password: Password


class SecondStep(SecretBody):
    """What the first half of a sign-in gave, and a code of the second factor, or a recovery code."""

    challenge: str = Field(min_length=1, max_length=64)
    code: str = Field(min_length=1, max_length=64)


class PasswordChange(SecretBody):
    """The password now, and the one to have from now on."""

    current_password: Password
    new_password: Password


class Confirm(SecretBody):
    """The password, once more, for what cannot be undone."""

    password: Password


class UserOut(BaseModel):
    """Someone with an account, or a guest."""

    id: str
    email: str | None
    name: str
    kind: Literal["user", "guest"]
    role: Literal["member", "admin"]
    created_at: str
    revision: int


class SignedInOut(BaseModel):
    """An access token for the `Authorization: Bearer` header, its life in seconds, and whose it is."""

    access_token: str
    expires_in: int
    user: UserOut


class ChallengeOut(BaseModel):
    """The password was right: what `/login/second` wants together with a code, and for how many seconds."""

    challenge: str
    expires_in: int


class SentOut(BaseModel):
    """A letter is on its way."""

    mail: Literal["sent"]


def user_json(user: User) -> Json:
    """The User of REST and of the socket."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "kind": user.kind,
        "role": user.role,
        "created_at": clock.iso(user.created_at),
        "revision": user.revision,
    }
