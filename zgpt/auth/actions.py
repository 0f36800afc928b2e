"""Changes to accounts: sign up, change the password, delete. Signing in: `sign_in_actions`; logins: `logins`."""

from functools import partial

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from zgpt.auth import logins, passwords, proof_actions, ticket_actions
from zgpt.auth.logins import SignedIn
from zgpt.auth.models import User
from zgpt.auth.schemas import check_new_password
from zgpt.auth.signals import account_deleting
from zgpt.auth.tokens import Identity
from zgpt.core import audit, clock, ids
from zgpt.core.db import db, transaction
from zgpt.core.errors import Conflict
from zgpt.realtime.close_codes import LOGIN_ENDED
from zgpt.realtime.server import current


def sign_up(email: str, password: str, name: str, user_agent: str) -> SignedIn:
    """A new account, signed in. Conflict `email_taken` after the same work, when there is one with this e-mail."""
    check_new_password(password, email, name, "password")
    return make_account(email, passwords.hash_password(password), name, user_agent)


def make_account(email: str, password_hash: str, name: str, user_agent: str) -> SignedIn:
    """The same with a password that was checked and hashed before."""
    user = User(id=ids.new_id(), kind="user", role="member", email=email, name=name, password_hash=password_hash)
    user.revision, user.created_at = 0, clock.now()
    with transaction():
        _insert(user)
        signed_in = logins.begin(user, user_agent)
        audit.record("signed_up", user.id)
    return signed_in


def change_password(identity: Identity, password: str, new_password: str) -> SignedIn:
    """A new password; this login goes on with a new refresh token, all others of the user end."""
    user = db.session.get_one(User, identity.user_id)
    check_new_password(new_password, user.email, user.name, "new_password")
    old_hash = proof_actions.require_password(identity.user_id, password)
    new_hash = passwords.hash_password(new_password)
    with transaction() as after:
        account = proof_actions.require_same(identity.user_id, old_hash)
        account.password_hash = new_hash
        logins.end_others(identity, "password_changed", after)
        ticket_actions.void_all(identity.user_id)
        audit.record("password_changed", identity.user_id)
        return logins.renew_here(identity)


def delete_account(identity: Identity, password: str) -> None:
    """`erase_account` for whoever knows its password."""
    proof_actions.require_password(identity.user_id, password)
    erase_account(identity.user_id, by="user")


def erase_account(user_id: str, by: str) -> None:
    """Remove the user and, by the database's cascades, all that is theirs. The audit log keeps that it happened."""
    with transaction() as after:
        account_deleting.send(user_id, after=after)
        audit.record("account_deleted", user_id, by=by)
        db.session.execute(delete(User).where(User.id == user_id))
        after(partial(current().broker.revoke, user_id, None, LOGIN_ENDED))


def _insert(user: User) -> None:
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict("There is an account with this e-mail. Sign in instead.", code="email_taken") from None
