"""The opening handshake of RFC 6455 §4.2: judges a request, makes the 101. Pure; it touches no socket."""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from zgpt.core.errors import BadRequest, Forbidden, Problem

VERSION: Final = "13"
_KEY_BYTES: Final = 16
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HEAD: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)


class UpgradeRequired(Problem):
    """The request is no WebSocket handshake, or one of another version."""

    code, status = "upgrade_required", 426
    message = "This address speaks WebSocket only (RFC 6455, version 13)."


def check_request(environ: Mapping[str, Any]) -> None:
    """Raise BadRequest or UpgradeRequired, in words, unless this WSGI environ is a proper handshake."""
    if not _has_token(environ, "HTTP_UPGRADE", "websocket") or not _has_token(environ, "HTTP_CONNECTION", "upgrade"):
        raise UpgradeRequired
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise BadRequest("A WebSocket handshake needs HTTP/1.1. A proxy in between may be set to HTTP/1.0.")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION:
        raise UpgradeRequired
    if environ.get("CONTENT_LENGTH", "0") != "0" or environ.get("HTTP_TRANSFER_ENCODING"):
        raise BadRequest("A WebSocket handshake has no body.")
    if not _is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")):
        raise BadRequest("Sec-WebSocket-Key must be 16 bytes in base64.")


def check_origin(environ: Mapping[str, Any], allowed: Collection[str], *, secure: bool = False) -> None:
    """Raise Forbidden unless the page comes from our own host or one of `allowed` (`https://host[:port]`, exactly).

    Programs that are no browser send no Origin and are let in, unless they bring cookies, which only browsers have: the
    Origin only tells pages apart; who asks is proven by the token in `hello`. The scheme of our own host is compared
    where we are known to be reached by HTTPS (`secure`): else only the proxy knows it.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin in allowed or (origin is None and not environ.get("HTTP_COOKIE")):
        return
    host = environ.get("HTTP_HOST", "")
    schemes = ("https",) if secure else ("http", "https")
    if not host or not origin or origin.lower() not in {f"{scheme}://{host.lower()}" for scheme in schemes}:
        raise Forbidden(
            "This page may not connect. If it should, add its origin to ALLOWED_ORIGINS.", code="bad_origin"
        )


def encode_accept(key: str) -> bytes:
    """The 101 response for a checked key. No extension and no subprotocol is agreed to, whatever was offered."""
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return _HEAD % base64.b64encode(digest)


def _has_token(environ: Mapping[str, Any], name: str, token: str) -> bool:
    return token in (part.strip() for part in environ.get(name, "").lower().split(","))


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
