"""Every WebSocket close code that the server sends or understands, in one place; not the frames that carry them.

Ranges (RFC 6455 §7.4.2): 1000-2999 belong to the protocol, 3000-3999 to registered libraries, 4000-4999 to
applications. Z-GPT splits its own: 4000-4499 mean "come back" (after a back-off, or with a fresh token for 4401),
4500-4999 mean "do not".
"""

from typing import Final

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
BINARY_REFUSED: Final = 1003
NO_STATUS: Final = 1005
"""The peer's close frame carried no code. Never sent."""
ABNORMAL: Final = 1006
"""The transport ended without a close frame. Never sent."""
BAD_UTF8: Final = 1007
POLICY: Final = 1008
TOO_BIG: Final = 1009
INTERNAL: Final = 1011
RESTART: Final = 1012
OVERLOAD: Final = 1013

RESYNC: Final = 4000
STALLED: Final = 4001
HEARTBEAT_MISSED: Final = 4002
NO_HELLO: Final = 4003
TOO_MANY_COMMANDS: Final = 4029
AUTH_EXPIRED: Final = 4401
LOGIN_ENDED: Final = 4501

_NAMED: Final = frozenset(
    {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4000, 4001, 4002, 4003, 4029, 4401, 4501}
)
_SENDABLE_BY_PROTOCOL: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
_FIRST_PRIVATE: Final = 3000
_FIRST_FINAL: Final = 4500
_AFTER_LAST: Final = 5000


def is_sendable(code: int) -> bool:
    """Whether a close frame may carry this code (RFC 6455 §7.4.1 and the IANA registry)."""
    return code in _SENDABLE_BY_PROTOCOL or _FIRST_PRIVATE <= code < _AFTER_LAST


def is_final(code: int) -> bool:
    """Whether a client that gets this code must not reconnect by itself."""
    return _FIRST_FINAL <= code < _AFTER_LAST


def label(code: int) -> str:
    """The code for a metric; "other" when it does not stand above, so that no client makes up time series."""
    return str(code) if code in _NAMED else "other"
