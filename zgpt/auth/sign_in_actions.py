"""Signing in: by password, and by the second factor where there is one. What follows is in `logins`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from zgpt.auth import factor_actions, logins, passwords, proof_actions, queries, spraying_actions, ticket_actions
from zgpt.auth.logins import SignedIn
from zgpt.auth.models import User
from zgpt.core import audit
from zgpt.core.db import transaction
from zgpt.core.errors import Unauthorized
from zgpt.core.limits import hit

CHALLENGE_LIFE_S = 300
CHALLENGE_TRIES = 5


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password was right; this and a code of the second factor, from the same program, sign in."""

    token: str


def sign_in(email: str, password: str, user_agent: str, *, known_device: bool) -> SignedIn | Challenge:
    """A new login, or what asks for the second factor.

    Unauthorized in the same words, after the same work, for an unknown e-mail and a wrong password.
    """
    if not known_device:
        spraying_actions.refuse_sprayed(password)
    known = queries.credentials_of(email)
    proof_actions.let_go()
    if not passwords.is_password(password, known.password_hash):
        _note_failure(known.user_id, email, password, known_device=known_device)
        raise _bad_credentials()
    stored = proof_actions.strengthen(known, password)
    with transaction():
        user = _let_in(proof_actions.held_with(known.user_id, stored))
        if queries.second_factor_of(user.id):
            audit.record("second_factor_asked", user.id)
            return Challenge(_challenge(user.id, user_agent))
        audit.record("signed_in", user.id)
        return logins.begin(user, user_agent)


def finish(challenge: str, code: str, user_agent: str, device_of: Callable[[str], str | None]) -> SignedIn:
    """The second half. A device that knows the e-mail has a count of its own: no thief uses the owner's tries up.

    Unauthorized `challenge_expired` when the password is to be given again, `wrong_code` to try another code.
    """
    user_id, email = _tried(challenge, user_agent)
    hit("second_factor", f"{device_of(email) or 'strange'}:{user_id}")
    with transaction():
        user = _let_in(proof_actions.held(user_id))
        kind = factor_actions.use(user_id, code)
        if kind:
            return _begin(user, challenge, kind, user_agent)
        audit.record("second_factor_failed", user_id)
    raise Unauthorized("The code is not right, or it was used already. Wait for the next one.", code="wrong_code")


def _tried(challenge: str, user_agent: str) -> tuple[str, str]:
    """Whose challenge this is, and their e-mail; one try less."""
    with transaction():
        found = ticket_actions.try_once("second_factor", challenge, CHALLENGE_TRIES)
    if found is None or found.user_id is None or found.detail.get("agent") != _agent(user_agent):
        raise _expired()
    email = queries.email_of(found.user_id)
    proof_actions.let_go()
    return found.user_id, email or ""


def _begin(user: User, challenge: str, kind: str, user_agent: str) -> SignedIn:
    if ticket_actions.take("second_factor", challenge) is None:
        raise _expired()
    audit.record("signed_in", user.id, second_factor=kind)
    return logins.begin(user, user_agent)


def _let_in(user: User | None) -> User:
    if user is None:
        raise _bad_credentials()
    return user


def _challenge(user_id: str, user_agent: str) -> str:
    return ticket_actions.issue("second_factor", user_id, CHALLENGE_LIFE_S, agent=_agent(user_agent))


def _agent(user_agent: str) -> str:
    return hashlib.sha256(user_agent.encode(errors="replace")).hexdigest()


def _note_failure(user_id: str | None, email: str, password: str, *, known_device: bool) -> None:
    proof_actions.record_failure("sign_in_failed", user_id, email)
    if not known_device:
        spraying_actions.note_failure(email, password)


def _bad_credentials() -> Unauthorized:
    return Unauthorized("The e-mail or the password is not right.", code="bad_credentials")


def _expired() -> Unauthorized:
    return Unauthorized("This took too long, or too many tries. Give your password again.", code="challenge_expired")
