"""From a Redis URL to a connected socket: TCP, TLS, Unix, or the master that Sentinels name. Nothing is asked of it.

The URL is redis-py's to read, so that `redis://`, `rediss://` and `unix://` mean what they mean everywhere.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlsplit

from gevent import socket
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, UnixDomainSocketConnection, parse_url
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

TIMEOUT_S = 1.0
"""For connecting and for each answer: a Redis that is slower than this is treated as away, and nothing waits for it."""
SENTINEL_PORT = 26_379

Options = dict[str, Any]

# redis-py types neither of them.
_parse: Callable[[str], Options] = parse_url
_Sentinel: Any = Sentinel


def resolve(url: str) -> Options:
    """What the URL says, in redis-py's words; for `sentinel://[user:password@]host:port,host:port/master/db` as of now.

    Raises OSError when no Sentinel knows the master.
    """
    if not url.startswith("sentinel://"):
        return _parse(url)
    place, _, path = url.removeprefix("sentinel://").partition("/")
    credentials, _, hosts = place.rpartition("@")
    name, _, database = path.partition("/")
    # redis-py would try a Sentinel that is down for seconds; the next one knows the master as well.
    once = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S, "retry": Retry(NoBackoff(), 0)}
    with closing(_Sentinel(_addresses(hosts), sentinel_kwargs=once)) as sentinel:
        try:
            host, port = sentinel.discover_master(name)
        except RedisError as fault:
            raise ConnectionError(f"no Sentinel names the master {name!r}: {fault}") from fault
    place = f"[{host}]" if ":" in host else host
    return _parse(f"redis://{credentials + '@' if credentials else ''}{place}:{port}/{database or 0}")


def dial(options: Options) -> Any:
    """A connected gevent socket whose every wait is bounded. Raises OSError."""
    if options.get("connection_class") is UnixDomainSocketConnection:
        return _dial_unix(options["path"])
    host = options.get("host", "localhost")
    with ExitStack() as on_fault:
        sock = on_fault.enter_context(socket.create_connection((host, options.get("port", 6379)), timeout=TIMEOUT_S))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if options.get("connection_class") is SSLConnection:
            sock = _tls(options).wrap_socket(sock, server_hostname=host)
        on_fault.pop_all()
    return sock


def _dial_unix(path: str) -> Any:
    with ExitStack() as on_fault:
        sock = on_fault.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        sock.settimeout(TIMEOUT_S)
        sock.connect(path)
        on_fault.pop_all()
    return sock


def greeting(options: Options) -> list[tuple[str | int, ...]]:
    """What has to be said first on a new connection."""
    commands: list[tuple[str | int, ...]] = []
    if options.get("password"):
        commands.append(("AUTH", options.get("username") or "default", options["password"]))
    if options.get("db"):
        commands.append(("SELECT", int(options["db"])))
    return commands


def _tls(options: Options) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if options.get("ssl_cert_reqs") == "none":
        # The operator wrote so into the URL, for a Redis behind a tunnel of its own.
        context.check_hostname = False  # nosemgrep: certificate-not-checked
        context.verify_mode = ssl.CERT_NONE  # nosemgrep: certificate-not-checked
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context


def _addresses(hosts: str) -> list[tuple[str, int]]:
    places = [urlsplit(f"//{place}") for place in hosts.split(",")]
    return [(place.hostname or "localhost", place.port or SENTINEL_PORT) for place in places]
