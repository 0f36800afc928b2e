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

from zgpt.core.config import settings
from zgpt.core.errors import Unavailable

THREADS = 2
WAITING_MAX = 64
"""At cost 12 and two threads the last in the queue waits about 10 s; who comes after is told to try again."""
RETRY_AFTER_MS = 2_000
NICE = 10
"""On a full machine the event loop comes first: a sign-in may take a second longer, a token may not."""
_LABEL = b"zgpt password v1"
_NOBODY = "." * 53
"""22 characters of salt, 31 of a hash that no password has: checking it takes as long as checking a real one."""

T = TypeVar("T")


class HashPool:
    """Threads of its own: bcrypt stalls the loop, and gevent's shared pool resolves names. Refuses over its bound."""

    __slots__ = ("_pool", "_waiting", "waiting_max")

    def __init__(self, threads: int = THREADS, waiting_max: int = WAITING_MAX) -> None:
        self._pool = ThreadPool(threads)
        self._waiting = 0
        self.waiting_max = waiting_max

    def run(self, work: Callable[[bytes, bytes], T], first: bytes, second: bytes) -> T:
        """The result of `work`, while other greenlets run; raises Unavailable when too many wait already."""
        if self._waiting >= self.waiting_max:
            raise Unavailable(
                "Too many people are signing in right now. Try again in a moment.", retry_after_ms=RETRY_AFTER_MS
            )
        self._waiting += 1
        try:
            return cast("T", self._pool.spawn(_behind_the_loop, work, first, second).get())
        finally:
            self._waiting -= 1


def _behind_the_loop(work: Callable[[bytes, bytes], T], first: bytes, second: bytes) -> T:
    """Run it in this thread, which steps back: on Linux each thread has a niceness of its own (setpriority(2))."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    return work(first, second)


@cache
def hash_pool() -> HashPool:
    """The pool of this process."""
    return HashPool()


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
