"""The headers that protect every answer. The Origin of a WebSocket is checked in `realtime`."""

from flask import Flask, Response, request
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix

from zgpt.core.config import Settings

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "zgpt zgpt-sw dompurify",
}
UNUSED_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")
HSTS_S = 31_536_000
EXTRA_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
}


def install_security(app: Flask, settings: Settings) -> None:
    """Send the headers with every answer, and believe exactly as many proxies as are trusted."""
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    Talisman(
        app,
        # The proxy that ends TLS redirects to it. HSTS is sent below: Talisman would believe any X-Forwarded-Proto.
        force_https=False,
        strict_transport_security=False,
        session_cookie_secure=settings.secure_cookies,
        frame_options="DENY",
        referrer_policy="same-origin",
        permissions_policy=dict.fromkeys(UNUSED_FEATURES, "()"),
        content_security_policy=CONTENT_SECURITY_POLICY,
        x_xss_protection=False,
    )
    headers = dict(EXTRA_HEADERS)
    if settings.secure_cookies:
        headers["Strict-Transport-Security"] = f"max-age={HSTS_S}; includeSubDomains"
    app.after_request(lambda response: _add(response, headers))


def _add(response: Response, headers: dict[str, str]) -> Response:
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
