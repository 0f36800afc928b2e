"""API keys as texts: made, recognised, hashed. Pure; which ones are good is asked in `key_access`."""

import hashlib
import secrets
from typing import Literal, get_args

PREFIX = "zgpt_"
START_CHARS = len(PREFIX) + 6
MAX_KEY_CHARS = 100
_KEY_BYTES = 32

Scope = Literal["read", "chat"]
"""read: look at sessions, messages and runs. chat: that, and write, stop, rename, delete."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


def new_key() -> str:
    """A key with 256 random bits behind a prefix by which scanners for leaked secrets find it."""
    return PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def is_key(token: str) -> bool:
    """Whether a bearer token wants to be an API key. Proves nothing."""
    return token.startswith(PREFIX)


def hash_of(key: str) -> str:
    """What the database keeps of a key: SHA-256 in hex. It has 256 random bits, so no salt and no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def covers(held: frozenset[str], needed: Scope) -> bool:
    """Whether these scopes allow what needs this one: `chat` includes `read`."""
    return needed in held or "chat" in held
