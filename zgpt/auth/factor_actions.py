"""The second factor: set it up, confirm it, use a code, take it away. How codes are made is in `totp` and `codes`."""

from dataclasses import dataclass

import gevent
from sqlalchemy import delete, insert, update

from zgpt.auth import codes, proof_actions, queries, totp
from zgpt.auth.models import RecoveryCode, SecondFactor, User
from zgpt.auth.tokens import Identity
from zgpt.core import audit, clock, ids
from zgpt.core.db import db, transaction
from zgpt.core.errors import Conflict, Forbidden
from zgpt.core.limits import hit


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is told: the secret in Base32, as a link, and that link as a QR code."""

    secret: str
    uri: str
    squares: list[str]


def begin(identity: Identity, password: str) -> Enrolment:
    """A new secret, which counts once a code of it was shown. Conflict `second_factor_on` when one counts already."""
    proof_actions.require_password(identity.user_id, password)
    salt = codes.new_salt()
    with transaction():
        user = db.session.get_one(User, identity.user_id, with_for_update=True)
        known = db.session.get(SecondFactor, user.id)
        if known and known.confirmed_at:
            raise Conflict("The second factor is on already. Turn it off first.", code="second_factor_on")
        db.session.merge(SecondFactor(user_id=user.id, salt=salt, last_step=0, created_at=clock.now()))
        audit.record("second_factor_begun", user.id)
    secret = codes.secret_of(user.id, salt)
    uri = totp.uri_of(secret, user.email or "")
    # In a thread: it takes 20 ms, in which the loop would show nobody a token.
    squares = gevent.get_hub().threadpool.apply(totp.squares_of, (uri,))
    return Enrolment(totp.text_of(secret), uri, squares)


def confirm(identity: Identity, code: str) -> list[str]:
    """Turn it on with a first code; the recovery codes, which are shown this once."""
    with transaction():
        factor = db.session.get(SecondFactor, identity.user_id, with_for_update=True)
        if factor is None or factor.confirmed_at:
            raise Conflict("There is nothing to confirm. Set the second factor up first.")
        good = _use_timed(identity.user_id, factor, code)
        if good:
            factor.confirmed_at = clock.now()
        audit.record("second_factor_on" if good else "second_factor_failed", identity.user_id)
        new_codes = _replace_recovery_codes(identity.user_id) if good else []
    if not good:
        raise wrong_code()
    return new_codes


def renew_recovery_codes(identity: Identity, password: str, code: str) -> list[str]:
    """Ten others; those from before stop working."""
    _require_both(identity, password, code)
    with transaction():
        audit.record("recovery_codes_renewed", identity.user_id)
        return _replace_recovery_codes(identity.user_id)


def turn_off(identity: Identity, password: str, code: str) -> None:
    """The password alone signs in again."""
    _require_both(identity, password, code)
    with transaction():
        remove(identity.user_id)
        audit.record("second_factor_off", identity.user_id)


def remove(user_id: str) -> None:
    """Take the factor and its recovery codes away, inside the caller's transaction."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def use(user_id: str, code: str) -> str | None:
    """Spend a code, inside the caller's transaction; its kind, `code` or `recovery_code`, or None for a bad one."""
    factor = queries.second_factor_of(user_id)
    if factor is None:
        return None
    if _use_timed(user_id, factor, code):
        return "code"
    spent = delete(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == codes.recovery_hash(user_id, code)
    )
    return "recovery_code" if db.session.scalar(spent.returning(RecoveryCode.id)) else None


def wrong_code() -> Forbidden:
    return Forbidden("The code is not right, or it was used already. Wait for the next one.", code="wrong_code")


def _use_timed(user_id: str, factor: SecondFactor, code: str) -> bool:
    """Spend a code by time: it, and those before it, work once (RFC 6238 §5.2). Of two at once, one wins."""
    step = totp.step_of(codes.secret_of(user_id, factor.salt), code.replace(" ", ""), clock.now_ms() / 1_000)
    if step is None:
        return False
    spend = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    return db.session.scalar(spend.values(last_step=step).returning(SecondFactor.user_id)) is not None


def _require_both(identity: Identity, password: str, code: str) -> None:
    """Counted per login: who has stolen one and the password cannot make another, and uses up nobody else's tries."""
    proof_actions.require_password(identity.user_id, password)
    hit("second_factor", f"login:{identity.login_id}")
    with transaction():
        good = use(identity.user_id, code)
        if not good:
            audit.record("second_factor_failed", identity.user_id)
    if not good:
        raise wrong_code()


def _replace_recovery_codes(user_id: str) -> list[str]:
    fresh = codes.new_recovery_codes()
    rows = [{"id": ids.new_id(), "user_id": user_id, "code_hash": codes.recovery_hash(user_id, code)} for code in fresh]
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.session.execute(insert(RecoveryCode), rows)
    return fresh
