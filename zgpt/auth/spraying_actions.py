"""One password tried on many accounts: no account and no address sees enough of it, so the password itself is counted.

What is counted and kept is a keyed hash of the password that forgets itself within the hour. A device that has signed
in before is neither counted nor refused, so nobody is locked out of their own browser by it.
"""

import hashlib
import hmac
from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from zgpt.auth import ticket_actions
from zgpt.core import audit
from zgpt.core.data_key import data_key
from zgpt.core.db import transaction
from zgpt.core.errors import RateLimited
from zgpt.core.limits import hit

SPRAYED_LIFE_S = 3_600
_LABEL = "zgpt sprayed password v1"


def refuse_sprayed(password: str) -> None:
    """RateLimited for a password that was tried on many accounts within the hour, whether it is right or not."""
    if ticket_actions.look("sprayed", _mark(password)):
        raise RateLimited(
            "Somebody tries this password on many accounts. Sign in later, or in a browser that has signed in here.",
            retry_after_ms=SPRAYED_LIFE_S * 1_000,
        )


def note_failure(email: str, password: str) -> None:
    """Count a wrong password, once for each account; on too many, audit it and refuse it for an hour."""
    mark = _mark(password)
    if _is_within("spraying_account", f"{mark}:{_mark(email)}") and not _is_within("spraying", mark):
        # Another process may mark it in this very moment: then it has told of it as well.
        with suppress(IntegrityError), transaction():
            if ticket_actions.mark("sprayed", mark, SPRAYED_LIFE_S):
                audit.record("password_sprayed", None)


def _is_within(rate: str, key: str) -> bool:
    try:
        hit(rate, key)
    except RateLimited:
        return False
    return True


def _mark(text: str) -> str:
    return hmac.digest(data_key(_LABEL), text.encode(), hashlib.sha256).hex()
