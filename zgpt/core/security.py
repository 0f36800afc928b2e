"""Sends the headers that protect every answer (`headers`), and says whom to believe. Origins of sockets: `realtime`."""

from urllib.parse import quote

from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix

from zgpt.core.config import Settings
from zgpt.core.errors import Forbidden
from zgpt.core.headers import (
    CONTENT_SECURITY_POLICY,
    EXTRA_HEADERS,
    HSTS,
    REFERRER_POLICY,
    UNUSED_FEATURES,
)

QUERY_CHARS = "%/?:@!$&'()*+,;=-._~"
"""What stands in a query as it is (RFC 3986 §3.4)."""
OPEN_PATHS = ("/healthz", "/readyz", "/metrics")
"""What machines beside us ask by plain HTTP is never redirected."""


def install_security(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer, and believe exactly as many proxies as are trusted."""
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        # Flask's own way to put a middleware in front, which looks to mypy like a method that is replaced.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    # A redirect to the same path with fewer slashes would be made of whatever Host was asked for.
    app.url_map.merge_slashes = False
    if settings.https_redirect:
        app.before_request(lambda: _to_https(settings.public_url or ""))
    Talisman(
        app,
        # Talisman would redirect to whatever host was asked for, and believe any X-Forwarded-Proto: see `_to_https`.
        force_https=False,
        strict_transport_security=False,
        session_cookie_secure=settings.secure_cookies,
        frame_options="DENY",
        referrer_policy=REFERRER_POLICY,
        permissions_policy=dict.fromkeys(UNUSED_FEATURES, "()"),
        content_security_policy=CONTENT_SECURITY_POLICY,
        x_xss_protection=False,
    )
    headers = dict(EXTRA_HEADERS)
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = HSTS
    app.after_request(lambda response: _add(response, headers))


def _to_https(public_url: str) -> ResponseReturnValue | None:
    """Lead a page to HTTPS, at the address of the settings. What may carry a secret is refused: it was seen by then."""
    if request.is_secure or request.path in OPEN_PATHS:
        return None
    is_page = request.method in {"GET", "HEAD"} and not request.path.startswith("/api/")
    if not is_page or "Upgrade" in request.headers:
        raise Forbidden(f"This server is reached by HTTPS only: {public_url}", code="https_required")
    # The path is quoted again, for it may hold line ends; "//elsewhere" stays a path behind our own host.
    query = request.query_string.decode("latin-1")
    return redirect(
        public_url + quote(request.path) + (f"?{quote(query, safe=QUERY_CHARS)}" if query else ""), code=308
    )


def _add(response: Response, headers: dict[str, str]) -> Response:
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
