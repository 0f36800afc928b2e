"""What an operator decides about an account: whether it may be used, and its role. Open sockets hear of it at once."""

from functools import partial

from sqlalchemy import select

from zgpt.auth import factor_actions, key_actions, logins, queries, ticket_actions
from zgpt.auth.models import Role, User
from zgpt.auth.schemas import clean_email
from zgpt.auth.signals import account_disabling
from zgpt.core import audit, clock
from zgpt.core.db import Collector, db, transaction
from zgpt.realtime.close_codes import LOGIN_ENDED, RESYNC
from zgpt.realtime.server import current


def disable(email: str, by: str) -> None:
    """Shut an account out: its logins, keys, links and sockets end, its running answers stop. Raises ValueError."""
    with transaction() as after:
        user = _account(email)
        user.disabled_at = user.changed_at = clock.now()
        account_disabling.send(user.id, after=after)
        logins.end_every(user.id, "disabled", after)
        key_actions.revoke_all(user.id, after)
        ticket_actions.void_all(user.id)
        audit.record("account_disabled", user.id, by=by)
        _close(user.id, LOGIN_ENDED, after)


def enable(email: str, by: str) -> None:
    """Let the person sign in again. Raises ValueError."""
    with transaction():
        user = _account(email)
        user.disabled_at = None
        audit.record("account_enabled", user.id, by=by)


def set_role(email: str, role: Role, by: str) -> None:
    """Give the account this role. Its sockets come back with it; requests read it anew each time. Raises ValueError."""
    with transaction() as after:
        user = _account(email)
        if user.role == role:
            return
        user.role, user.changed_at = role, clock.now()
        audit.record("role_changed", user.id, by=by, role=role)
        _close(user.id, RESYNC, after)


def set_email(email: str, new: str, by: str) -> None:
    """Give the account another e-mail. Raises ValueError, also for one that is taken."""
    with transaction():
        user = _account(email)
        if queries.is_taken(new):
            raise ValueError("there is an account with the new e-mail")
        user.email = new
        ticket_actions.void_all(user.id)
        audit.record("email_changed", user.id, by=by)


def remove_second_factor(email: str, by: str) -> None:
    """For somebody who lost it together with all recovery codes. Raises ValueError."""
    with transaction():
        user = _account(email)
        factor_actions.remove(user.id)
        audit.record("second_factor_off", user.id, by=by)


def _account(email: str) -> User:
    user = db.session.scalar(select(User).where(User.email == clean_email(email)).with_for_update())
    if user is None:
        raise ValueError("there is no account with this e-mail")
    return user


def _close(user_id: str, code: int, after: Collector) -> None:
    after(partial(current().broker.revoke, user_id, None, code))
