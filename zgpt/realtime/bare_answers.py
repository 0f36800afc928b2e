"""Answers that are given before the app is asked: as problems (RFC 9457), with the headers that protect every answer.

Who is answered so is decided in lobby.py. What gunicorn itself could not read is answered in worker.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from zgpt.core.headers import bare_lines

RETRY_AFTER_S: Final = 2


@dataclass(frozen=True, slots=True)
class BareAnswer:
    """One answer: `status` with its reason, a stable `code`, words that say the cause and the next step."""

    status: str
    code: str
    detail: str
    retryable: bool

    def encode(self, *, https: bool) -> bytes:
        """The whole response. `https`: whether browsers reach us by it, and should go on doing so."""
        body = json.dumps(self._problem(), separators=(",", ":")).encode()
        lines = [
            f"HTTP/1.1 {self.status}",
            *([f"Retry-After: {RETRY_AFTER_S}"] if self.retryable else []),
            "Content-Type: application/problem+json",
            "Cache-Control: no-store",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        return "\r\n".join(lines).encode() + b"\r\n" + bare_lines(https=https) + b"\r\n" + body

    def _problem(self) -> dict[str, object]:
        number, _, title = self.status.partition(" ")
        again = {"retry_after_ms": RETRY_AFTER_S * 1_000} if self.retryable else {}
        names = {"type": "about:blank", "title": title, "status": int(number), "code": self.code}
        return {**names, "retryable": self.retryable, **again, "detail": self.detail}


TOO_MANY: Final = BareAnswer(
    "503 Service Unavailable",
    "unavailable",
    "Too many requests are being answered. Come back in a moment.",
    retryable=True,
)
TOO_SLOW: Final = BareAnswer(
    "408 Request Timeout", "too_slow", "The head of the request took too long. Send it again.", retryable=True
)
TOO_LONG: Final = BareAnswer(
    "431 Request Header Fields Too Large",
    "too_large",
    "The head of a request may have 16 KiB. Send fewer or shorter headers.",
    retryable=False,
)
