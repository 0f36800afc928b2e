"""Who is asking over REST: a request's bearer token becomes an Identity. Their things: each feature's `access`.

A route is for sign-ins only (`signed_in`) unless it says which scope an API key needs for it (`signed_in_or_key`).
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import request

from zgpt.auth import keys
from zgpt.auth.key_access import verify_key
from zgpt.auth.keys import Scope
from zgpt.auth.models import User
from zgpt.auth.queries import user_of_key, user_of_login
from zgpt.auth.tokens import Claim, Identity, read_access, verify_access
from zgpt.core import callers, limits
from zgpt.core.db import begin_read, db
from zgpt.core.errors import Forbidden, Unauthorized

P = ParamSpec("P")
R = TypeVar("R")
_IDENTITY = "zgpt.identity"
_SCOPE = "zgpt.key_scope"


def verify(token: str) -> Identity:
    """Who a bearer token speaks for, an access token or an API key. Raises Unauthorized."""
    return verify_key(token) if keys.is_key(token) else verify_access(token)


def read_claim(token: str) -> Claim:
    """Whom a bearer token names. Nobody may be let in before `confirm` has looked at what is stored. Unauthorized."""
    if not keys.is_key(token):
        return read_access(token)
    known = verify_key(token)
    return Claim(known.user_id, known.login_id, known.expires_at, known.scopes)


def require_identity() -> Identity:
    """The identity of this request's token, looked up once a request; Unauthorized without a valid one.

    Forbidden for an API key, unless the route is open to keys with its scope.
    """
    known: Identity | None = request.environ.get(_IDENTITY)
    if known is None:
        known = verify(bearer_token())
        require_scope(known.scopes, request.environ.get(_SCOPE))
        request.environ[_IDENTITY] = known
        callers.remember_user(known.user_id)
    return known


def require_scope(held: frozenset[str] | None, scope: Scope | None) -> None:
    """Forbidden for an API key without this scope; with None, for every API key. `held` is `Identity.scopes`."""
    if held is None:
        return
    if scope is None:
        raise Forbidden("An API key cannot do this. Sign in.", code="needs_sign_in")
    if not keys.covers(held, scope):
        raise Forbidden(f"This API key lacks the scope {scope}. Make one that has it.", code="scope_missing")


def confirm(named: Identity | Claim) -> User:
    """Look whether it is good, by what is stored now: the user; Unauthorized when its sign-in or key has ended.

    On SQLite a request goes on reading what was there when it began to. The token is not read again.
    """
    db.session.rollback()
    begin_read()
    look = user_of_login if named.scopes is None else user_of_key
    user = look(named.user_id, named.login_id)
    if user is None:
        raise Unauthorized
    return user


def identity_or_none() -> Identity | None:
    """The identity of this request's access token, or None without a valid one: where the cookie may do as well."""
    try:
        return require_identity()
    except Unauthorized:
        return None


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run only for a request with a valid access token (RFC 6750 §2.1)."""
    return _guarded(view, None)


def signed_in_or_key(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The same, and for API keys with this scope."""
    return lambda view: _guarded(view, scope)


def _guarded(view: Callable[P, R], scope: Scope | None) -> Callable[P, R]:
    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        request.environ[_SCOPE] = scope
        identity = require_identity()
        # The counter may wait for Redis: not with a connection of the pool in hand.
        db.session.rollback()
        limits.hit("requests", identity.user_id)
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
