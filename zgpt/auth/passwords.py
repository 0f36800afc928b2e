"""Hashing and checking passwords, beside the event loop. Which ones may be chosen is in `schemas`.

Every password goes through HMAC-SHA-256 before bcrypt, short ones too: bcrypt reads 72 bytes and stops at a NUL, and
one rule for all has no edge at which two passwords meet. The constant label keeps hashes that leaked elsewhere from
being tried as they are ("shucking").
"""

import base64
import hashlib
import hmac
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TypeVar, cast

import bcrypt
from gevent.threadpool import ThreadPool

from zgpt.core import clock
from zgpt.core.config import settings
from zgpt.core.errors import Unavailable

THREADS = 2
WAIT_MAX_S = 10.0
"""Who would wait longer for a hash is told to try again: a page that hangs is reloaded, and then hashes twice."""
WAITING_MAX = 1_000
"""However fast the hashes are: each waiting request holds a connection and its password."""
RETRY_AFTER_MS = 2_000
_COST_12_S = 0.25
"""About what one hash takes, until this process has made one; each step of the cost doubles it."""
_WEIGHT = 0.2
"""Of the last hash in the running mean: a machine that becomes busy is believed after a few."""
NICE = 10
"""On a full machine the event loop comes first: a sign-in may take a second longer, a token may not."""
_LABEL = b"zgpt password v1"
_NOBODY = "." * 53
"""22 characters of salt, 31 of a hash that no password has: checking it takes as long as checking a real one."""

T = TypeVar("T")


class HashPool:
    """Threads of its own: bcrypt stalls the loop, and gevent's shared pool resolves names. Refuses over its bounds."""

    __slots__ = ("_each_s", "_pool", "_threads", "_waiting", "wait_max_s")

    def __init__(self, each_s: float, threads: int = THREADS, wait_max_s: float = WAIT_MAX_S) -> None:
        self._pool, self._threads = ThreadPool(threads), threads
        self._waiting, self._each_s = 0, each_s
        self.wait_max_s = wait_max_s

    def run(self, work: Callable[[bytes, bytes], T], first: bytes, second: bytes) -> T:
        """The result of `work`, while other greenlets run; raises Unavailable when it would have to wait too long."""
        if self._waiting >= WAITING_MAX or self._waiting * self._each_s >= self.wait_max_s * self._threads:
            raise Unavailable(
                "Too many people are signing in right now. Try again in a moment.", retry_after_ms=RETRY_AFTER_MS
            )
        self._waiting += 1
        try:
            hashed = cast("tuple[T, float]", self._pool.spawn(_behind_the_loop, work, first, second).get())
        finally:
            self._waiting -= 1
        self._each_s += _WEIGHT * (hashed[1] - self._each_s)
        return hashed[0]


def _behind_the_loop(work: Callable[[bytes, bytes], T], first: bytes, second: bytes) -> tuple[T, float]:
    """Run it in this thread, which steps back: on Linux each thread has a niceness of its own (setpriority(2))."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    started_s = clock.monotonic()
    return work(first, second), clock.monotonic() - started_s


@cache
def hash_pool() -> HashPool:
    """The pool of this process."""
    return HashPool(_COST_12_S * 2.0 ** (settings().bcrypt_cost - 12))


def hash_password(password: str) -> str:
    """The bcrypt hash to store (60 ASCII characters), at the cost of the settings."""
    salt = bcrypt.gensalt(settings().bcrypt_cost)
    return hash_pool().run(bcrypt.hashpw, digest_of(password), salt).decode()


def is_password(password: str, stored: str | None) -> bool:
    """Whether the password has this hash. Without a hash (no such user, a guest) it is no, after the same time."""
    hashed = stored or f"$2b${settings().bcrypt_cost:02d}${_NOBODY}"
    return hash_pool().run(bcrypt.checkpw, digest_of(password), hashed.encode()) and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether a stored hash has another cost than the settings want."""
    return int(stored.split("$")[2]) != settings().bcrypt_cost


def digest_of(password: str) -> bytes:
    """44 bytes for bcrypt that stand for the whole password; accents count the same however they were typed."""
    normal = unicodedata.normalize("NFC", password)
    return base64.b64encode(hmac.digest(_LABEL, normal.encode(), hashlib.sha256))
