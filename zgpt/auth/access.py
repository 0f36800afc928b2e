"""Who is asking over REST: a request's bearer token becomes an Identity. Their things: each feature's `access`."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request

from zgpt.auth.models import User
from zgpt.auth.tokens import Identity, verify_access
from zgpt.core import callers
from zgpt.core.db import db
from zgpt.core.errors import Unauthorized

P = ParamSpec("P")
R = TypeVar("R")
_IDENTITY = "zgpt.identity"


def require_identity() -> Identity:
    """The identity of this request's access token, looked up once a request; Unauthorized without a valid one."""
    known: Identity | None = request.environ.get(_IDENTITY)
    if known is None:
        known = request.environ[_IDENTITY] = verify_access(bearer_token())
        callers.remember_user(known.user_id)
    return known


def verify_again(token: str) -> Identity:
    """`verify_access` by what is stored now: on SQLite a request goes on reading what was there when it began to."""
    db.session.rollback()
    return verify_access(token)


def identity_or_none() -> Identity | None:
    """The identity of this request's access token, or None without a valid one: where the cookie may do as well."""
    try:
        return require_identity()
    except Unauthorized:
        return None


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run only for a request with a valid access token (RFC 6750 §2.1)."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        require_identity()
        return view(*args, **kwargs)

    return checked


def access_user(identity: Identity) -> User:
    """The account of an identity; Unauthorized when it was deleted in between."""
    user = db.session.get(User, identity.user_id)
    if user is None:
        raise Unauthorized
    return user


def bearer_token() -> str:
    """The token in the Authorization header; Unauthorized when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized
    return token.strip()
