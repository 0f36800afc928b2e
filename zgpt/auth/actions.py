"""Changes to accounts: sign up, sign in, change the password, delete. Renewing and ending logins is in `logins`."""

from functools import partial

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from zgpt.auth import logins, passwords, queries
from zgpt.auth.logins import SignedIn
from zgpt.auth.models import User
from zgpt.auth.schemas import check_new_password
from zgpt.auth.signals import account_deleting
from zgpt.auth.tokens import Identity
from zgpt.core import audit, clock, ids
from zgpt.core.db import db, transaction
from zgpt.core.errors import Conflict, Forbidden, Unauthorized
from zgpt.realtime.close_codes import LOGIN_ENDED
from zgpt.realtime.server import current


def sign_up(email: str, password: str, name: str, user_agent: str) -> SignedIn:
    """A new account, signed in. Conflict `email_taken` after the same work, when there is one with this e-mail."""
    check_new_password(password, email, name, "password")
    password_hash = passwords.hash_password(password)
    user = User(id=ids.new_id(), kind="user", role="member", email=email, name=name, password_hash=password_hash)
    user.revision, user.created_at = 0, clock.now()
    with transaction():
        _insert(user)
        signed_in = logins.begin(user, user_agent)
        audit.record("signed_up", user.id)
    return signed_in


def sign_in(email: str, password: str, user_agent: str) -> SignedIn:
    """A new login. Unauthorized in the same words, after the same work, for an unknown e-mail and a wrong password."""
    known = queries.credentials_of(email)
    _let_go()
    if not passwords.is_password(password, known.password_hash):
        _record_failure("sign_in_failed", known.user_id)
        raise _wrong_credentials()
    _strengthen(known, password)
    with transaction():
        user = db.session.get(User, known.user_id)
        if user is None:
            raise _wrong_credentials()
        signed_in = logins.begin(user, user_agent)
        audit.record("signed_in", user.id)
    return signed_in


def change_password(identity: Identity, password: str, new_password: str) -> SignedIn:
    """A new password; this login goes on with a new refresh token, all others of the user end."""
    user = db.session.get_one(User, identity.user_id)
    check_new_password(new_password, user.email, user.name, "new_password")
    old_hash = _require_password(identity, password)
    new_hash = passwords.hash_password(new_password)
    with transaction() as after:
        swap = update(User).where(User.id == identity.user_id, User.password_hash == old_hash).returning(User.id)
        if db.session.scalar(swap.values(password_hash=new_hash)) is None:
            raise Conflict("The password was changed somewhere else just now. Sign in again.")
        logins.end_others(identity, "password_changed", after)
        audit.record("password_changed", identity.user_id)
        return logins.renew_here(identity)


def delete_account(identity: Identity, password: str) -> None:
    """Remove the user and, by the database's cascades, all that is theirs. The audit log keeps that it happened."""
    _require_password(identity, password)
    with transaction() as after:
        account_deleting.send(identity.user_id, after=after)
        audit.record("account_deleted", identity.user_id)
        db.session.execute(delete(User).where(User.id == identity.user_id))
        after(partial(current().broker.revoke, identity.user_id, None, LOGIN_ENDED))


def _insert(user: User) -> None:
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict("There is an account with this e-mail. Sign in instead.", code="email_taken") from None


def _wrong_credentials() -> Unauthorized:
    return Unauthorized("The e-mail or the password is not right.", code="bad_credentials")


def _require_password(identity: Identity, password: str) -> str:
    """The stored hash, if this is the user's password; Forbidden else (the access token was right, so no 401)."""
    stored = queries.password_hash_of(identity.user_id)
    _let_go()
    if stored is None or not passwords.is_password(password, stored):
        _record_failure("password_check_failed", identity.user_id)
        raise Forbidden("The password is not right.", code="wrong_password")
    return stored


def _record_failure(kind: str, user_id: str | None) -> None:
    with transaction():
        audit.record(kind, user_id)


def _strengthen(known: queries.Credentials, password: str) -> None:
    """Hash anew at the cost of today's settings; now is the only time when the password is known."""
    if known.password_hash is None or not passwords.needs_rehash(known.password_hash):
        return
    better = passwords.hash_password(password)
    same = update(User).where(User.id == known.user_id, User.password_hash == known.password_hash)
    with transaction():
        db.session.execute(same.values(password_hash=better))


def _let_go() -> None:
    """Give the database connection back: hashing takes long, and who waits for it must not hold one of the few."""
    db.session.rollback()
