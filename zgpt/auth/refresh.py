"""Refresh tokens: opaque to everybody, known to the database by their hash only. Rotation itself is in `logins`.

A token is `login.nonce.tag`. The tag proves that we made it, so that nobody can end a login with a made-up "old"
token; it is made with the data secret, for a copy that was stolen must be noticed after any rotation of the keys. The
nonce of its successor follows from the token and a key of the ring: two tabs that race with one token are given the
same next one, and no second chain begins. A token is accepted by its hash alone, so it outlives the ring's keys.
"""

import base64
import hashlib
import hmac
import secrets

from zgpt.auth.keyring import keyring
from zgpt.core.data_key import data_key
from zgpt.core.ids import parse_id

MAX_TOKEN_CHARS = 200
_NEXT_LABEL = "zgpt refresh v1"
_TAG_LABEL = "zgpt refresh tag v1"
_NONCE_BYTES = 32


def first_token(login_id: str) -> str:
    """A token that follows from no other."""
    return _tagged(login_id, secrets.token_urlsafe(_NONCE_BYTES))


def successors(token: str) -> list[str]:
    """The token that follows this (well-formed) one under each key of the ring, the active one's first."""
    login_id = token.partition(".")[0]
    return [_tagged(login_id, _mac(key, "next", token)) for key in keyring().derived(_NEXT_LABEL)]


def login_id_in(token: str) -> str | None:
    """The login that a token says it is of, or None when it is malformed. Proves nothing."""
    try:
        login_id, _, _ = token.split(".")
        return parse_id(login_id) if len(token) <= MAX_TOKEN_CHARS and token.isascii() else None
    except ValueError:
        return None


def is_ours(token: str) -> bool:
    """Whether we made this (well-formed) token, at whatever time."""
    body, _, tag = token.rpartition(".")
    return hmac.compare_digest(_tag(body), tag)


def hash_of(token: str) -> str:
    """What the database keeps of a token: SHA-256 in hex. A token has 256 random bits, so no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _tagged(login_id: str, nonce: str) -> str:
    body = f"{login_id}.{nonce}"
    return f"{body}.{_tag(body)}"


def _tag(body: str) -> str:
    return _mac(data_key(_TAG_LABEL), "tag", body)


def _mac(key: bytes, purpose: str, text: str) -> str:
    digest = hmac.digest(key, f"{purpose}:{text}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
