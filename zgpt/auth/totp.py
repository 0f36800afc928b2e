"""Codes by time (RFC 6238 with SHA-1, six digits, 30 s: what every authenticator app reads). Pure; keeps nothing."""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SKEW_STEPS = 1
"""A clock may be half a minute off, and a code takes a moment to type (RFC 6238 §5.2)."""
SECRET_BYTES = 20
ISSUER = "Z-GPT"
ACCOUNT_CHARS = 64
"""An app shows no more of an e-mail, and a QR code of all that one may hold would be too large to be made."""


def code_at(secret: bytes, step: int) -> str:
    """The code of one step (RFC 4226 §5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: bytes, code: str, now_s: float) -> int | None:
    """The step whose code this is, if it is the one of now or next to it. All are compared, whichever fits."""
    here = int(now_s) // STEP_S
    steps = range(here - SKEW_STEPS, here + SKEW_STEPS + 1)
    fitting = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), code.encode())]
    return fitting[-1] if fitting else None


def text_of(secret: bytes) -> str:
    """The secret as it is typed into an app: Base32."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri_of(secret: bytes, account: str) -> str:
    """The same as a link, for a QR code (the Key Uri Format of Google Authenticator)."""
    fields = {"secret": text_of(secret), "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{quote(ISSUER)}:{quote(account[:ACCOUNT_CHARS])}?{urlencode(fields)}"


def squares_of(uri: str) -> list[str]:
    """The QR code of a link, as rows of `0` (light) and `1` (dark) without the quiet zone (ISO/IEC 18004).

    Data and not a picture: the page draws it, so nothing from here is ever parsed as markup.
    """
    # Here, because few processes ever draw one, and all would load its writers of pictures.
    import segno

    code = segno.make_qr(uri, error="m", boost_error=False)
    return ["".join(str(square) for square in row) for row in code.matrix]
