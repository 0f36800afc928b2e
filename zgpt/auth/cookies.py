"""The two cookies of accounts: the refresh token, and the proof that a device has signed in before.

Both are HttpOnly, SameSite=Strict and kept to the path of the routes that read them, so no other request carries
them. That path rules the `__Host-` prefix out; behind HTTPS they carry `__Secure-`, which a page on plain HTTP
cannot set (RFC 6265bis §4.1.3).
"""

import hashlib
import hmac
import secrets

from flask import Response, request

from zgpt.core import clock
from zgpt.core.config import settings
from zgpt.core.data_key import data_key

PATH = "/api/v1/auth"
REFRESH = "zgpt_refresh"
DEVICE = "zgpt_device"
DEVICE_LIFE_S = 365 * 86_400
_DEVICE_LABEL = "zgpt device v2"
_DEVICE_BYTES = 16


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
    """Let this browser be known as one where this e-mail has signed in (OWASP "device cookies"). It opens nothing.

    Proved with the data secret, not with the keys of tokens: a rotation would make strangers of all devices, and who
    has seen a leaked key could make devices up, each with tries of its own.
    """
    device = secrets.token_urlsafe(_DEVICE_BYTES)
    _set(response, DEVICE, f"{device}.{_proof(device, email)}", DEVICE_LIFE_S)


def known_device(email: str) -> str | None:
    """The name of this browser, if this e-mail has signed in from it before; else None."""
    device, _, proof = request.cookies.get(_name(DEVICE), "").partition(".")
    return device if hmac.compare_digest(_proof(device, email).encode(), proof.encode()) else None


def _proof(device: str, email: str) -> str:
    return hmac.digest(data_key(_DEVICE_LABEL), f"{device}:{email}".encode(), hashlib.sha256).hex()


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
