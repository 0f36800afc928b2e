"""One byte stream to a model server: TCP, a proxy's tunnel, TLS. Not HTTP messages, save the proxy's CONNECT.

First used in a greenlet, where `send` and `recv` wait cooperatively; then `detach()` gives the bare descriptor and a
`recv` that never waits, for a watcher on the hub's loop.
"""

from __future__ import annotations

import socket as stdlib_socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from gevent import socket
from gevent.monkey import get_original

from .body import split_head
from .endpoint import Endpoint, Proxy

READ_BYTES = 65536
_VIEW = memoryview(bytearray(READ_BYTES))

_NATIVE: type[stdlib_socket.socket] = get_original("socket", "socket")

Recv = Callable[[], bytes]
"""Like `socket.recv` of a non-blocking socket: raises BlockingIOError when there is nothing, gives b"" at the end."""


class Wire(Protocol):
    """Plain or TLS."""

    def send(self, data: bytes) -> None:
        """Write all of it; waits. Raises OSError."""

    def recv(self) -> bytes:
        """Some bytes, b"" at the end; waits. Raises OSError."""

    def detach(self) -> tuple[stdlib_socket.socket, Recv, bytes]:
        """Leave gevent's socket: the bare non-blocking one, how to read from it on the loop, and what came already."""

    def close(self) -> None:
        """Idempotent."""


class ProxyRefusedError(OSError):
    """The proxy would not open the tunnel; says why."""


class PlainWire:
    """TCP without anything on it."""

    __slots__ = ("_sock",)

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, data: bytes) -> None:
        """See Wire."""
        self._sock.sendall(data)

    def recv(self) -> bytes:
        """See Wire."""
        return bytes(self._sock.recv(READ_BYTES))

    def detach(self) -> tuple[stdlib_socket.socket, Recv, bytes]:
        """See Wire."""
        raw = _bare(self._sock)
        return raw, lambda: _receive(raw), b""

    def close(self) -> None:
        """See Wire."""
        self._sock.close()


class TlsWire:
    """TLS on a TCP connection, by memory buffers, so that the descriptor stays a plain one."""

    __slots__ = ("_incoming", "_outgoing", "_raw", "_sock", "_tls")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._raw: stdlib_socket.socket  # once detached
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self) -> None:
        """Waits; raises ssl.SSLError (also where the certificate is not for this host) and OSError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
                continue
            except ssl.SSLError:
                self._flush()  # the alert that tells the other side why
                raise
            return self._flush()

    def send(self, data: bytes) -> None:
        """See Wire."""
        self._tls.write(data)
        self._flush()

    def recv(self) -> bytes:
        """See Wire."""
        while True:
            try:
                return self._tls.read(READ_BYTES)
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def detach(self) -> tuple[stdlib_socket.socket, Recv, bytes]:
        """See Wire. What TLS holds already would wake no watcher."""
        self._raw = _bare(self._sock)
        came = b""
        with suppress(ssl.SSLError):  # an end: the descriptor tells it too
            came = self._decrypted()
        self._reply()
        return self._raw, self._recv_now, came

    def close(self) -> None:
        """See Wire."""
        self._sock.close()

    def _decrypted(self) -> bytes:
        """What can be read without another byte from the socket; raises ssl.SSLError when TLS broke or was ended."""
        parts: list[bytes] = []
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
            self._tls.unwrap()  # the other side has said its last word: answered, it closes
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            if not parts:
                raise
        return b"".join(parts)

    def _recv_now(self) -> bytes:
        data = _receive(self._raw)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        plain = self._decrypted()
        self._reply()
        if data and not plain:
            raise BlockingIOError
        return plain

    def _reply(self) -> None:
        """TLS may owe an answer to what it read (a key update); it is a few bytes, the kernel has room."""
        if self._outgoing.pending:
            with suppress(BlockingIOError):
                self._raw.send(self._outgoing.read())

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())

    def _fill(self) -> None:
        data = self._sock.recv(READ_BYTES)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def _receive(raw: stdlib_socket.socket) -> bytes:
    """`recv` by one buffer for all: a buffer for each call costs 0.7 µs more. Nothing switches in between."""
    return bytes(_VIEW[: raw.recv_into(_VIEW)])


def connect(endpoint: Endpoint, proxy: Proxy | None, context: ssl.SSLContext | None) -> Wire:
    """Open the way to `endpoint`; waits, without a bound of its own. Raises OSError (ssl.SSLError is one)."""
    sock = _dial(proxy.host, proxy.port) if proxy else _dial(endpoint.host, endpoint.port)
    try:
        if context is None:
            return PlainWire(sock)
        if proxy:
            _open_tunnel(sock, endpoint, proxy)
        wire = TlsWire(sock, context, endpoint.host)
        wire.handshake()
    except BaseException:
        sock.close()
        raise
    return wire


def _dial(host: str, port: int) -> socket.socket:
    """Try the host's addresses in turn. A numeric address asks no resolver (which is a hop to a thread and back)."""
    family = _numeric_family(host)
    found = [(family, (host, port))] if family else _resolve(host, port)
    error: OSError | None = None
    for family, address in found:
        sock = socket.socket(family, stdlib_socket.SOCK_STREAM)
        try:
            sock.connect(address)
            sock.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_NODELAY, 1)
        except OSError as failure:
            sock.close()
            error = failure
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise error or OSError(f"no address for {host}")


def _resolve(host: str, port: int) -> list[tuple[int, Any]]:
    return [(info[0], info[4]) for info in socket.getaddrinfo(host, port, 0, stdlib_socket.SOCK_STREAM)]


def _numeric_family(host: str) -> int:
    for family in (stdlib_socket.AF_INET, stdlib_socket.AF_INET6):
        try:
            stdlib_socket.inet_pton(family, host)
        except OSError:
            continue
        return family
    return 0


def _open_tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy) -> None:
    lines = [f"CONNECT {endpoint.authority} HTTP/1.1", f"Host: {endpoint.authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    received = b""
    while (split := split_head(received)) is None:
        data = sock.recv(READ_BYTES)
        if not data:
            raise ProxyRefusedError("the proxy closed the connection")
        received += data
    if not 200 <= split[0].status < 300:
        raise ProxyRefusedError(f"the proxy answered {split[0].status}")
    if split[1]:
        raise ProxyRefusedError("the proxy sent bytes of its own into the tunnel")


def _bare(sock: socket.socket) -> stdlib_socket.socket:
    """The descriptor without gevent's object around it, non-blocking."""
    raw = _NATIVE(fileno=sock.detach())
    raw.setblocking(False)
    return raw
