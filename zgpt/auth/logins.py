"""Logins: begin one, renew its tokens (RFC 9700 §4.14.2: rotation), end it. Passwords are `actions`' affair."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, or_, update

from zgpt.auth import refresh, tokens
from zgpt.auth.devices import wide_network
from zgpt.auth.models import Login, User
from zgpt.auth.queries import login_by_id
from zgpt.auth.tokens import Identity
from zgpt.core import audit, callers, clock, ids
from zgpt.core.config import settings
from zgpt.core.db import Collector, db, transaction
from zgpt.core.errors import NotFound, Unauthorized
from zgpt.realtime.close_codes import LOGIN_ENDED
from zgpt.realtime.server import current

USER_AGENT_CHARS = 200


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a device gets: an access token and, unless the browser has it already, a refresh token with its end."""

    user: User
    access_token: str
    refresh_token: str | None
    refresh_expires_at: datetime


def begin(user: User, user_agent: str) -> SignedIn:
    """A new login of the user, inside the caller's transaction. Its end is fixed here and never moves."""
    now = clock.now()
    login = Login(id=ids.new_id(), user_id=user.id, created_at=now, last_used_at=now, rotated_at=now)
    token = refresh.first_token(login.id)
    login.token_hash, login.expires_at = refresh.hash_of(token), now + timedelta(days=settings().refresh_token_days)
    login.user_agent = "".join(char for char in user_agent if char.isprintable())[:USER_AGENT_CHARS]
    login.network = wide_network(callers.address())
    db.session.add(login)
    db.session.flush()
    return _signed_in(user, login, token)


def renew(token: str) -> SignedIn:
    """New tokens for a refresh token, which is used up by this.

    For `REFRESH_GRACE_S` the one before is answered too (two tabs, or an answer lost on its way), with the
    same successor. Any older one ends the whole login. Raises Unauthorized, always with the same words.
    """
    login_id = refresh.login_id_in(token)
    if login_id is None:
        raise Unauthorized
    with transaction() as after:
        renewed = _rotate(login_id, token) or _answer_old(login_id, token, after)
    if renewed is None:
        raise Unauthorized
    return renewed


def renew_here(identity: Identity) -> SignedIn:
    """A refresh token that follows from no other, inside the caller's transaction; the one before has its grace."""
    login = db.session.get_one(Login, identity.login_id, populate_existing=True, with_for_update=True)
    token, now = refresh.first_token(login.id), clock.now()
    login.previous_hash, login.token_hash = login.token_hash, refresh.hash_of(token)
    login.rotated_at = login.last_used_at = now
    db.session.flush()
    return _signed_in(db.session.get_one(User, identity.user_id, populate_existing=True), login, token)


def end_presented(identity: Identity | None, token: str) -> None:
    """Sign out the logins that a request proves to be its own: by access token, by refresh token, or both."""
    proofs: list[ColumnElement[bool]] = [Login.id == identity.login_id] if identity else []
    login_id = refresh.login_id_in(token)
    if login_id is not None:
        shown = refresh.hash_of(token)
        proofs.append((Login.id == login_id) & or_(Login.token_hash == shown, Login.previous_hash == shown))
    if not proofs:
        return
    with transaction() as after:
        for user_id in _end(or_(*proofs), "signed_out", after):
            audit.record("signed_out", user_id)


def end_all(identity: Identity) -> None:
    """Sign the user out everywhere."""
    with transaction() as after:
        _end(Login.user_id == identity.user_id, "signed_out_everywhere", after)
        audit.record("signed_out_everywhere", identity.user_id)


def end_one(identity: Identity, login_id: str) -> None:
    """Sign one device of the user out; NotFound for any other login."""
    with transaction() as after:
        if not _end((Login.id == login_id) & (Login.user_id == identity.user_id), "signed_out_elsewhere", after):
            raise NotFound
        audit.record("device_signed_out", identity.user_id, login_id=login_id)


def end_every(user_id: str, reason: str, after: Collector) -> None:
    """End all logins of a user, inside the caller's transaction."""
    _end(Login.user_id == user_id, reason, after)


def end_others(identity: Identity, reason: str, after: Collector) -> None:
    """End all logins of the user but this one, inside the caller's transaction."""
    _end((Login.user_id == identity.user_id) & (Login.id != identity.login_id), reason, after)


def _rotate(login_id: str, token: str) -> SignedIn | None:
    """Swap the current token for its successor, or None when it is not the current one: of two at once, one wins."""
    following, now = refresh.successors(token)[0], clock.now()
    shown = refresh.hash_of(token)
    swap = update(Login).where(
        Login.id == login_id, Login.token_hash == shown, Login.revoked_at.is_(None), Login.expires_at > now
    )
    swapped = swap.values(
        token_hash=refresh.hash_of(following),
        previous_hash=shown,
        rotated_at=now,
        last_used_at=now,
        network=wide_network(callers.address()),
    ).returning(Login.id)
    if db.session.scalar(swapped.execution_options(synchronize_session=False)) is None:
        return None
    return _renewed(login_id, following)


def _answer_old(login_id: str, token: str, after: Collector) -> SignedIn | None:
    """For a token that is not the current one: the grace, or the end of the login when somebody uses a copy of it."""
    login, now = login_by_id(login_id), clock.now()
    if login is None or login.revoked_at or login.expires_at <= now:
        return None
    shown = refresh.hash_of(token)
    if login.previous_hash == shown and now - login.rotated_at < timedelta(seconds=settings().refresh_grace_s):
        same = (one for one in refresh.successors(token) if refresh.hash_of(one) == login.token_hash)
        return _renewed(login_id, next(same, None))
    if login.previous_hash == shown or refresh.is_ours(token):
        for user_id in _end(Login.id == login_id, "refresh_reuse", after):
            audit.record("refresh_reuse", user_id, login_id=login_id)
    return None


def _renewed(login_id: str, token: str | None) -> SignedIn | None:
    login = db.session.get_one(Login, login_id, populate_existing=True)
    user = db.session.get_one(User, login.user_id)
    return None if user.disabled_at else _signed_in(user, login, token)


def _signed_in(user: User, login: Login, token: str | None) -> SignedIn:
    return SignedIn(user, tokens.issue_access(user.id, login.id), token, login.expires_at)


def _end(which: ColumnElement[bool], reason: str, after: Collector) -> list[str]:
    """End the live logins among these and, after the commit, their sockets; the user's id once per ended login."""
    ended = db.session.execute(
        update(Login)
        .where(which, Login.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_reason=reason)
        .returning(Login.id, Login.user_id)
        .execution_options(synchronize_session=False)
    ).all()
    for login_id, user_id in ended:
        after(partial(current().broker.revoke, user_id, login_id, LOGIN_ENDED))
    return [user_id for _, user_id in ended]
