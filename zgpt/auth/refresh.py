"""Refresh tokens: opaque to everybody, known to the database by their hash only. Rotation itself is in `actions`.

A token is `login.nonce.tag`. The tag proves that we made it, so that nobody can end a login with a made-up "old"
token. The nonce of its successor follows from the token and our key: two tabs that race with one token are given the
same next one, and no second chain begins. A token is accepted by its hash alone, so it outlives the ring's keys.
"""

import base64
import hashlib
import hmac
import secrets

from zgpt.auth.keyring import keyring
from zgpt.core.ids import parse_id

MAX_TOKEN_CHARS = 200
_KEY_LABEL = "zgpt refresh v1"
_NONCE_BYTES = 32


def first_token(login_id: str) -> str:
    """A token that follows from no other."""
    return _tagged(_keys()[0], login_id, secrets.token_urlsafe(_NONCE_BYTES))


def successors(token: str) -> list[str]:
    """The token that follows this (well-formed) one under each key of the ring, the active one's first."""
    login_id = token.partition(".")[0]
    return [_tagged(key, login_id, _mac(key, "next", token)) for key in _keys()]


def login_id_in(token: str) -> str | None:
    """The login that a token says it is of, or None when it is malformed. Proves nothing."""
    try:
        login_id, _, _ = token.split(".")
        return parse_id(login_id) if len(token) <= MAX_TOKEN_CHARS and token.isascii() else None
    except ValueError:
        return None


def is_ours(token: str) -> bool:
    """Whether we made this token, at whatever time, under a key that is still held."""
    login_id, nonce, tag = token.split(".")
    return any(hmac.compare_digest(_mac(key, "tag", f"{login_id}.{nonce}"), tag) for key in _keys())


def hash_of(token: str) -> str:
    """What the database keeps of a token: SHA-256 in hex. A token has 256 random bits, so no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _tagged(key: bytes, login_id: str, nonce: str) -> str:
    body = f"{login_id}.{nonce}"
    return f"{body}.{_mac(key, 'tag', body)}"


def _mac(key: bytes, purpose: str, text: str) -> str:
    digest = hmac.digest(key, f"{purpose}:{text}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _keys() -> list[bytes]:
    return keyring().derived(_KEY_LABEL)
