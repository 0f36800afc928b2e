"""The two cookies of accounts: the refresh token, and the proof that a device has signed in before.

Both are HttpOnly, SameSite=Strict and kept to the path of the routes that read them, so no other request carries
them. That path rules the `__Host-` prefix out; behind HTTPS they carry `__Secure-`, which a page on plain HTTP
cannot set (RFC 6265bis §4.1.3).
"""

import hashlib
import hmac

from flask import Response, request

from zgpt.auth.keyring import keyring
from zgpt.core import clock
from zgpt.core.config import settings

PATH = "/api/v1/auth"
REFRESH = "zgpt_refresh"
DEVICE = "zgpt_device"
DEVICE_LIFE_S = 365 * 86_400
_DEVICE_LABEL = "zgpt device v1"


def refresh_cookie() -> str:
    """The refresh token of this request, or an empty text."""
    return request.cookies.get(_name(REFRESH), "")


def set_refresh_cookie(response: Response, token: str, expires_at_s: float) -> None:
    """Keep the refresh token in the browser until the login's end (epoch seconds)."""
    _set(response, REFRESH, token, max(0, int(expires_at_s - clock.now_ms() / 1_000)))


def clear_refresh_cookie(response: Response) -> None:
    """Take the refresh token out of the browser."""
    _set(response, REFRESH, "", 0)


def set_device_cookie(response: Response, email: str) -> None:
    """Let this browser be known as one where this e-mail has signed in (OWASP "device cookies"). It opens nothing."""
    _set(response, DEVICE, _proofs(email)[0], DEVICE_LIFE_S)


def is_known_device(email: str) -> bool:
    """Whether this e-mail has signed in from this browser before."""
    shown = request.cookies.get(_name(DEVICE), "").encode()
    return any(hmac.compare_digest(proof.encode(), shown) for proof in _proofs(email))


def _proofs(email: str) -> list[str]:
    return [hmac.digest(key, email.encode(), hashlib.sha256).hex() for key in keyring().derived(_DEVICE_LABEL)]


def _name(name: str) -> str:
    return f"__Secure-{name}" if settings().secure_cookies else name


def _set(response: Response, name: str, value: str, max_age_s: int) -> None:
    response.set_cookie(
        _name(name),
        value,
        max_age=max_age_s,
        path=PATH,
        secure=settings().secure_cookies,
        httponly=True,
        samesite="Strict",
    )
