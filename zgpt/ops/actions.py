"""What an operator changes from the command line. The commands themselves are in `commands`."""

from sqlalchemy import select

from zgpt.auth.models import User
from zgpt.auth.passwords import hash_password
from zgpt.auth.schemas import check_new_password, clean_email
from zgpt.core import audit
from zgpt.core.db import db, transaction


def make_admin(email: str, password: str | None) -> bool:
    """Give the role `admin` to the account with this e-mail, made with `password` if there is none; returns whether.

    Raises ValueError for a bad e-mail, or an unknown one without a password; Invalid for a weak password.
    """
    email = clean_email(email)
    if password is not None:
        check_new_password(password, email, "", "password")
    password_hash = hash_password(password) if password is not None else None
    with transaction():
        user = db.session.scalar(select(User).where(User.email == email).with_for_update())
        made = user is None
        if user is None:
            user = _new_admin(email, password_hash)
        user.role = "admin"
        audit.record("admin_made", user.id, by="command")
    return made


def is_known(email: str) -> bool:
    """Whether there is an account with this e-mail."""
    return db.session.scalar(select(User.id).where(User.email == email.strip().lower())) is not None


def _new_admin(email: str, password_hash: str | None) -> User:
    if password_hash is None:
        raise ValueError("there is no account with this e-mail")
    user = User(email=email, name="", password_hash=password_hash)
    db.session.add(user)
    db.session.flush()
    return user
