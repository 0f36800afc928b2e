"""Takes a socket out of the WSGI server that accepted it. What is relied on is pinned by tests/contracts/."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zgpt.realtime import descriptor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_GUNICORN: Final = "gunicorn.socket"
_WERKZEUG: Final = "werkzeug.socket"


@dataclass(frozen=True, slots=True)
class Taken:
    """A descriptor that is ours, what the server had read behind the request, and how to tell it that we are done."""

    fd: int
    early: bytes
    done: Exception


def can_take_from(environ: WSGIEnvironment) -> bool:
    """Whether this server gives its socket away."""
    return _GUNICORN in environ or _WERKZEUG in environ


def take_from(environ: WSGIEnvironment) -> Taken:
    """Take the socket of this request. The server must do nothing but close its side afterwards."""
    if _GUNICORN in environ:
        early = environ["wsgi.input"].reader.unreader.take_buffered()
        descriptor.set_options(environ[_GUNICORN])
        # Not a duplicate: libev leaves the registration of a closed descriptor to the kernel, which keeps it as long as
        # a duplicate is open. The first event of each connection would then make libev register all sockets anew.
        return Taken(environ[_GUNICORN].detach(), early, StopIteration())
    sock = environ[_WERKZEUG]
    descriptor.set_options(sock)
    early = environ["wsgi.input"].peek()
    return Taken(_swap(sock), early, ConnectionAbortedError())


def _swap(sock: socket.socket) -> int:
    """Leave werkzeug's development server a socket at its end: it goes on reading and shuts down what it has."""
    ended, other = socket.socketpair()
    other.close()
    fd = os.dup(sock.fileno())
    os.dup2(ended.fileno(), sock.fileno())
    ended.close()
    return fd
