"""What routes of accounts answer with: tokens in body and cookie, or the end of both. What was done is not here."""

from flask import Response, jsonify, request

from zgpt.auth import cookies
from zgpt.auth.logins import SignedIn
from zgpt.auth.schemas import user_json
from zgpt.core.config import settings
from zgpt.core.errors import NotFound
from zgpt.core.headers import CLEAR_SITE_DATA
from zgpt.core.ids import parse_id

USER_AGENT_CHARS = 400


def welcome(signed_in: SignedIn, *, device: bool = False) -> Response:
    """The access token and whose it is; the refresh token as cookie. `device`: this browser is known from now on."""
    answer: Response = jsonify(
        access_token=signed_in.access_token,
        expires_in=settings().access_token_s,
        user=user_json(signed_in.user),
    )
    if signed_in.refresh_token is not None:
        cookies.set_refresh_cookie(answer, signed_in.refresh_token, signed_in.refresh_expires_at.timestamp())
    if device:
        cookies.set_device_cookie(answer, signed_in.user.email or "")
    return answer


def goodbye() -> Response:
    """Nothing, and no refresh cookie any more."""
    answer = Response(status=204)
    answer.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    cookies.clear_refresh_cookie(answer)
    return answer


def user_agent() -> str:
    """What the program calls itself, cut to what is kept of it."""
    return request.headers.get("User-Agent", "")[:USER_AGENT_CHARS]


def known_id(text: str) -> str:
    """An id out of an address; NotFound for what is none."""
    try:
        return parse_id(text)
    except ValueError:
        raise NotFound from None
