"""Whether a request comes from our own page, for routes that a cookie alone can use. Bearer tokens need no check."""

from flask import request

from zgpt.core.config import settings
from zgpt.core.errors import Forbidden


def require_own_origin() -> None:
    """Forbidden for a page of another site (OWASP, CSRF: "verifying origin"); without an Origin no page has asked."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() not in _own_origins():
        raise Forbidden("This may only be done from Z-GPT's own pages.", code="bad_origin")


def _own_origins() -> set[str]:
    """Compared whole, never by parts. Where cookies are Secure, no page over plain HTTP is ours."""
    config = settings()
    scheme = "https" if config.secure_cookies else request.scheme
    own = {f"{scheme}://{request.host.lower()}", *config.allowed_origins}
    return own | ({_origin_of(config.public_url)} if config.public_url else set())


def _origin_of(url: str) -> str:
    scheme, _, rest = url.lower().partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
