"""What is done by a mailed link: make an account, choose a new password, take another e-mail.

Who asks is told the same at the same speed whoever the address belongs to: all that differs happens in the background.
"""

import hashlib
from functools import partial

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from zgpt.auth import actions, key_actions, letters, logins, passwords, proof_actions, queries, ticket_actions
from zgpt.auth.links import link_to, site
from zgpt.auth.logins import SignedIn
from zgpt.auth.mail import Letter, is_on, mail_room
from zgpt.auth.models import User
from zgpt.auth.schemas import check_new_password
from zgpt.auth.ticket_actions import LINK_LIFE_S, Found, Purpose
from zgpt.auth.tokens import Identity
from zgpt.core import audit
from zgpt.core.db import db, transaction
from zgpt.core.errors import BadRequest, Conflict, RateLimited
from zgpt.core.limits import hit
from zgpt.realtime.close_codes import LOGIN_ENDED
from zgpt.realtime.server import current


def require_mail() -> None:
    """Conflict `mail_off` where no letters are sent."""
    if not is_on():
        raise Conflict("This server sends no mail. Ask its operator for a link.", code="mail_off")


def ask_to_sign_up(email: str, password: str, name: str) -> None:
    """A letter with the link that makes the account, or one that says that there is one."""
    check_new_password(password, email, name, "password")
    password_hash = passwords.hash_password(password)
    mail_room().put(partial(_sign_up_letter, email, name, password_hash))


def confirm_sign_up(token: str, user_agent: str) -> SignedIn:
    """The account, signed in. Conflict `email_taken` when it was made by another letter meanwhile."""
    with transaction():
        detail = _good(ticket_actions.take("sign_up", token)).detail
        return actions.make_account(detail["email"], detail["password_hash"], detail["name"], user_agent)


def ask_for_password(email: str) -> None:
    """A letter with a link, if the address has an account."""
    mail_room().put(partial(_password_letter, email))


def reset_password(token: str, new_password: str) -> None:
    """A new password; all logins, API keys and links of the user end. The second factor stays."""
    user = _user_of(_good(ticket_actions.look("password_reset", token)))
    check_new_password(new_password, user.email, user.name, "new_password")
    proof_actions.let_go()
    new_hash = passwords.hash_password(new_password)
    with transaction() as after:
        user = _user_of(_good(ticket_actions.take("password_reset", token)))
        db.session.execute(update(User).where(User.id == user.id).values(password_hash=new_hash))
        logins.end_every(user.id, "password_reset", after)
        key_actions.revoke_all(user.id, after)
        ticket_actions.void_all(user.id)
        audit.record("password_reset", user.id)
        after(partial(current().broker.revoke, user.id, None, LOGIN_ENDED))
        if is_on() and user.email:
            after(partial(mail_room().put, partial(letters.password_changed, user.email, site())))


def ask_for_email(identity: Identity, password: str, email: str) -> None:
    """A letter to the new address, with the link that makes it the account's."""
    stored = proof_actions.require_password(identity.user_id, password)
    with transaction():
        audit.record("email_change_asked", identity.user_id)
    mail_room().put(partial(_email_letter, identity.user_id, stored, email))


def confirm_email(token: str) -> User:
    """The account with its new e-mail; the old address is told."""
    with transaction() as after:
        found = _good(ticket_actions.take("new_email", token))
        user = _user_of(found)
        old = user.email
        _set_email(user, found)
        ticket_actions.void_all(user.id)
        audit.record("email_changed", user.id)
        if is_on() and old:
            after(partial(mail_room().put, partial(letters.email_changed, old, site())))
    return user


def password_link(email: str) -> str:
    """The link of a password reset, for an operator to hand over. ValueError when there is no such account."""
    with transaction():
        user = queries.account_of(email)
        if user is None:
            raise ValueError("there is no account with this e-mail, or it is disabled")
        audit.record("password_reset_asked", user.id, by="command")
        return link_to("reset", ticket_actions.issue("password_reset", user.id, LINK_LIFE_S))


def _sign_up_letter(email: str, name: str, password_hash: str) -> Letter | None:
    if not _may_write_to(email, "sign_up"):
        return None
    if queries.is_taken(email):
        return letters.has_account(email, site())
    with transaction():
        token = ticket_actions.issue("sign_up", None, LINK_LIFE_S, email=email, name=name, password_hash=password_hash)
    return letters.sign_up(email, site(), link_to("signup", token))


def _password_letter(email: str) -> Letter | None:
    if not _may_write_to(email, "password_reset"):
        return None
    user = queries.account_of(email)
    if user is None:
        return None
    with transaction():
        # It may have been shut out, or have got another e-mail, since it was found.
        if (user := proof_actions.held(user.id)) is None or user.email != email:
            return None
        token = ticket_actions.issue("password_reset", user.id, LINK_LIFE_S)
        audit.record("password_reset_asked", user.id)
    return letters.password_reset(email, site(), link_to("reset", token))


def _email_letter(user_id: str, stored: str, email: str) -> Letter | None:
    if not _may_write_to(email, "new_email"):
        return None
    if queries.is_taken(email):
        return letters.has_account(email, site())
    with transaction():
        # Letters wait: a password that was changed meanwhile has voided all links, and this would be one more.
        if proof_actions.held_with(user_id, stored) is None:
            return None
        token = ticket_actions.issue("new_email", user_id, LINK_LIFE_S, email=email)
    return letters.confirm_email(email, site(), link_to("email", token))


def _may_write_to(email: str, purpose: Purpose) -> bool:
    """Nobody's mailbox is filled by our letters. Who asks is not told, for that would tell about the address.

    Counted by purpose, so that a stranger who signs up with an address does not use up the letters by which its owner
    gets a new password; and by a hash, for no address belongs into Redis.
    """
    try:
        hit("mail", hashlib.sha256(f"{purpose}:{email}".encode()).hexdigest())
    except RateLimited:
        return False
    return True


def _good(found: Found | None) -> Found:
    if found is None:
        raise _bad_link()
    return found


def _user_of(found: Found) -> User:
    user = db.session.get(User, found.user_id) if found.user_id else None
    if user is None or user.disabled_at:
        raise _bad_link()
    return user


def _set_email(user: User, found: Found) -> None:
    user.email = str(found.detail["email"])
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict("There is an account with this e-mail.", code="email_taken") from None


def _bad_link() -> BadRequest:
    return BadRequest("This link was used already, or is older than an hour. Ask for another one.", code="bad_link")
