"""The headers that protect every answer, as plain values. Pure: the WSGI server's own answers carry them too.

Who sends them: `security` on what the app answers, the worker and the lobby of `zgpt.realtime` on the rest.
"""

CSP_REPORTS_PATH = "/api/v1/csp-reports"
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "zgpt zgpt-sw dompurify",
    "report-uri": CSP_REPORTS_PATH,
}
UNUSED_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")
PERMISSIONS_POLICY = ", ".join(f"{name}=()" for name in UNUSED_FEATURES)
REFERRER_POLICY = "same-origin"
HSTS_S = 31_536_000
HSTS = f"max-age={HSTS_S}; includeSubDomains"
EXTRA_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    # Over plain HTTP browsers look up the host of every link by themselves: a name in an answer would carry words away.
    "X-DNS-Prefetch-Control": "off",
}
CLEAR_SITE_DATA = '"cache"'
"""At a sign-out. Not "storage": it would tear the database out of other tabs and end the service worker under them; the
page empties both itself. Not "cookies": it would reach every other service of the same registrable domain."""


def bare_lines(*, https: bool) -> bytes:
    """All of them as lines of a response's head, for an answer that no app makes; nothing may load from it."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": REFERRER_POLICY,
        "Permissions-Policy": PERMISSIONS_POLICY,
        **EXTRA_HEADERS,
        **({"Strict-Transport-Security": HSTS} if https else {}),
    }
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")
