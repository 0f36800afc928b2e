"""What the second factor's secrets are made of, and recovery codes in text and hash. Which are spent: `factor_actions`.

The secret of a user's codes is not stored: it follows from a random salt in the database and the installation's data
secret, so neither a copy of the database nor the secret alone gives a code away.
"""

import base64
import hashlib
import hmac
import secrets

from zgpt.auth.totp import SECRET_BYTES
from zgpt.core.data_key import data_key

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 random bits: too many to be tried against a stolen hash, so a fast hash does."""
MAX_CODE_CHARS = 64
_GROUP_CHARS = 4
_LABEL = "zgpt second factor v1"
_SIGHT = str.maketrans({"0": "o", "1": "l", "8": "b", "-": None, " ": None})
"""Base32 has no 0, 1 and 8: whoever reads one off paper means the letter."""


def new_salt() -> str:
    return secrets.token_urlsafe(32)


def secret_of(user_id: str, salt: str) -> bytes:
    """The secret that the user's app holds."""
    return hmac.digest(data_key(_LABEL), f"{user_id}:{salt}".encode(), hashlib.sha256)[:SECRET_BYTES]


def new_recovery_codes() -> list[str]:
    """Ten codes like `abcd-efgh-ijkl-mnop`."""
    return [_new_code() for _ in range(RECOVERY_CODES)]


def recovery_hash(user_id: str, code: str) -> str:
    """What is stored of a recovery code, and what one that was typed is looked up by."""
    plain = code.strip().lower().translate(_SIGHT)
    return hashlib.sha256(f"{user_id}:{plain}".encode()).hexdigest()


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + _GROUP_CHARS] for at in range(0, len(text), _GROUP_CHARS))
