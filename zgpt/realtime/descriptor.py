"""What is asked of a bare socket descriptor besides reading and writing: options, half-closing, aborting. No frames."""

from __future__ import annotations

import _socket
import contextlib
import socket
import struct
from socket import IPPROTO_TCP, SHUT_WR, SO_KEEPALIVE, SO_LINGER, SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gevent._types import _Watcher

SEND_BUFFER_BYTES: Final = 64 * 1024
"""What the kernel may hold per socket (Linux doubles it, for its book-keeping). By default it takes megabytes before a
reader that stopped is noticed."""
DEAD_PEER_S: Final = 60
"""How long sent bytes may stay unacknowledged, and a silent peer is believed, before the kernel gives the socket up."""
_PROBE_EVERY_S: Final = 15
_WANTED: Final = (
    ("TCP_NODELAY", 1),
    ("TCP_KEEPIDLE", DEAD_PEER_S - _PROBE_EVERY_S),
    # What macOS calls TCP_KEEPIDLE.
    ("TCP_KEEPALIVE", DEAD_PEER_S - _PROBE_EVERY_S),
    ("TCP_KEEPINTVL", _PROBE_EVERY_S),
    ("TCP_USER_TIMEOUT", DEAD_PEER_S * 1000),
)
_OPTIONS: Final = [(getattr(socket, name), value) for name, value in _WANTED if hasattr(socket, name)]
_ABORT: Final = struct.pack("ii", 1, 0)


def set_options(sock: socket.socket) -> None:
    """Make it non-blocking, prompt, with a small send buffer, and sure to notice a dead peer."""
    sock.setblocking(False)
    with contextlib.suppress(OSError):
        # A socket that is no TCP socket (a unix one, behind a proxy on the same machine) has no such options.
        sock.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
        for option, value in _OPTIONS:
            sock.setsockopt(IPPROTO_TCP, option, value)


def half_close(fd: int) -> None:
    """Say that nothing more will be written; reading goes on."""
    sock = _socket.socket(fileno=fd)
    # A peer that was faster is noticed by the next read.
    with contextlib.suppress(OSError):
        sock.shutdown(SHUT_WR)
    sock.detach()


def close(fd: int) -> None:
    """Close it; what the kernel holds is still delivered.

    Not by `os.close`: gevent puts another in its place, which waits for the loop's next event however long that takes.
    """
    _socket.close(fd)


def abort(fd: int) -> None:
    """Close it with a reset, so that the kernel drops what a reader that stopped would never take."""
    sock = _socket.socket(fileno=fd)
    with contextlib.suppress(OSError):
        sock.setsockopt(SOL_SOCKET, SO_LINGER, _ABORT)
    sock.close()


def close_watchers(*watchers: _Watcher | None) -> None:
    """Stop and free those that exist. Do this before the descriptor is closed."""
    for watcher in watchers:
        if watcher is not None:
            watcher.close()
