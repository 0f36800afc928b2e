"""One HTTP/1.1 request up to the head of its answer, waiting in a greenlet. Bodies are `body`'s, descriptors `wire`'s.

Every answer has a connection to itself: reuse would save one loopback connect (0.1 ms) or, far away, a TLS handshake
once per answer, and cost the handling of connections that died while idle.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gevent

from zgpt.core import clock

from . import base
from .base import ProviderError
from .body import BadHttpError, Body, Head, split_head
from .endpoint import Endpoint, Proxy
from .failures import cut, garbage, late
from .wire import ProxyRefusedError, Wire, connect

MAX_ERROR_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """How a model server is reached. `tls` is set exactly for https."""

    endpoint: Endpoint
    proxy: Proxy | None
    tls: ssl.SSLContext | None
    connect_timeout_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body has yet to be read; `rest` is what came of it together with the head."""

    wire: Wire
    head: Head
    rest: bytes


def post(route: Route, path: str, headers: dict[str, str], body: bytes, deadline_s: float) -> Answer:
    """Send `body`, wait for the head of the answer; raises ProviderError. The caller closes `Answer.wire`."""
    until = clock.monotonic() + deadline_s
    wire = _connect(route, min(route.connect_timeout_s, deadline_s))
    try:
        with within(until - clock.monotonic(), late("begin its answer", deadline_s)):
            wire.send(_request(route, path, headers, body))
            return _read_head(wire)
    except BaseException as error:
        wire.close()
        if isinstance(error, OSError):
            raise cut(began=False) from None
        raise


def read_body(answer: Answer, deadline_s: float) -> bytes:
    """The beginning of a short body, as much as comes in time and within the bound; its faults raise nothing."""
    out = b""
    try:
        body = Body(answer.head)
        with within(deadline_s, late("finish its answer", deadline_s)):
            data = answer.rest
            while True:
                out += body.feed(data)
                if body.done or len(out) >= MAX_ERROR_BODY_BYTES or not (data := answer.wire.recv()):
                    break
    except (OSError, BadHttpError, ProviderError):
        pass  # it only explains an error that is known already
    return out[:MAX_ERROR_BODY_BYTES]


@contextmanager
def within(seconds: float, error: ProviderError) -> Iterator[None]:
    """Raise `error` in here when `seconds` are over."""
    timeout = gevent.Timeout.start_new(max(seconds, 0.001))
    try:
        yield
    except gevent.Timeout as fired:
        if fired is not timeout:
            raise
        raise error from None
    finally:
        timeout.close()


def _connect(route: Route, timeout_s: float) -> Wire:
    try:
        with within(timeout_s, late("accept a connection", timeout_s)):
            return connect(route.endpoint, route.proxy, route.tls)
    except BadHttpError as fault:
        raise garbage(f"of the proxy, {fault}") from None
    except OSError as fault:
        raise _unreachable(fault) from None


def _unreachable(fault: OSError) -> ProviderError:
    if isinstance(fault, ssl.SSLCertVerificationError):
        why, retryable = f"its certificate is not trusted: {fault.verify_message}", False
    elif isinstance(fault, ssl.SSLError):
        why, retryable = f"TLS failed: {fault.reason or 'the connection was closed'}", False
    elif isinstance(fault, ProxyRefusedError):
        why, retryable = str(fault), True
    else:
        why, retryable = fault.strerror or str(fault) or "no connection", True
    return ProviderError(base.UNREACHABLE, f"The model server cannot be reached: {why}.", retryable)


def _request(route: Route, path: str, headers: dict[str, str], body: bytes) -> bytes:
    endpoint, target = route.endpoint, route.endpoint.path + path
    if route.proxy and endpoint.scheme == "http":
        target = f"http://{endpoint.host_header}{target}"
        if route.proxy.authorization:
            headers = {**headers, "Proxy-Authorization": route.proxy.authorization}
    lines = [f"POST {target} HTTP/1.1", f"Host: {endpoint.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "Accept-Encoding: identity", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _read_head(wire: Wire) -> Answer:
    received = b""
    while True:
        try:
            split = split_head(received)
        except BadHttpError as fault:
            raise garbage(str(fault)) from None
        if split is not None:
            return Answer(wire, *split)
        data = wire.recv()
        if not data:
            raise cut(began=False) if not received else garbage("it ended within its head")
        received += data
