"""One pipelined connection to Redis for gevent: bytes in, replies out, every wait bounded. What is said is elsewhere.

redis-py costs about 130 µs of CPU a command under gevent and 20 pipelined; hiredis' packer and reader on a socket of
our own cost 4. The address is read in `redis_address`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any, cast

import hiredis

from zgpt.realtime.redis_address import TIMEOUT_S, dial, greeting, resolve

READ_BYTES = 65_536
GONE = ("NOSCRIPT", "READONLY", "NOAUTH", "LOADING", "MASTERDOWN")
"""Errors that a new connection cures: it loads the scripts, signs in, and looks for the master again."""

Command = tuple[bytes | str | int | float, ...]
Reply = Any

_pack = cast("Callable[[Command], bytes]", hiredis.pack_command)
"""Its stub knows tuples of one element only."""


class RedisAway(Exception):
    """Redis could not be reached, or did not answer in time. Whether the last commands were done is not known."""


class Script:
    """A Lua script, called by its SHA-1 and loaded with every new connection."""

    __slots__ = ("keys", "sha", "source")

    def __init__(self, source: str, keys: int) -> None:
        self.source = source
        self.keys = keys
        self.sha = sha1(source.encode(), usedforsecurity=False).hexdigest()

    def call(self, *arguments: bytes | str | int) -> Command:
        return ("EVALSHA", self.sha, self.keys, *arguments)


class RedisLink:
    """Connects when first used and again after every fault. One greenlet at a time: callers bring their own lock."""

    def __init__(self, url: str, scripts: Sequence[Script] = ()) -> None:
        self._url = url
        self._scripts = scripts
        self._socket: Any = None
        self._ended = False
        self._reader = hiredis.Reader()

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        """Send all, then read one reply each; an error reply is a `hiredis.ReplyError`. Raises RedisAway."""
        try:
            if self._socket is None:
                self._connect()
            self._socket.sendall(b"".join(map(_pack, commands)))
            replies = [self._reply() for _ in commands]
            self._check(replies)
        except (OSError, hiredis.HiredisError) as fault:
            self.close()
            raise RedisAway(str(fault) or type(fault).__name__) from fault
        except BaseException:
            # Killed or timed out from outside in the middle of a reply: what comes next would be read as another's.
            self.close()
            raise
        return replies

    def read(self, timeout_s: float) -> Reply:
        """The next message of a subscription. Raises RedisAway, also when nothing comes in time."""
        try:
            if self._socket is None:
                raise ConnectionError("not connected")
            self._socket.settimeout(timeout_s)
            return self._reply()
        except (OSError, hiredis.HiredisError) as fault:
            self.close()
            raise RedisAway(str(fault) or type(fault).__name__) from fault

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def end(self) -> None:
        """Close it for good: what a greenlet that still wants something would open again, nobody would close."""
        self._ended = True
        self.close()

    def _connect(self) -> None:
        self._refuse_if_ended()
        options = resolve(self._url)
        self._reader = hiredis.Reader()
        self._socket = dial(options)
        # That took its time.
        self._refuse_if_ended()
        for command in (*greeting(options), *(("SCRIPT", "LOAD", script.source) for script in self._scripts)):
            self._socket.sendall(_pack(command))
            reply = self._reply()
            if isinstance(reply, hiredis.ReplyError):
                raise ConnectionError(f"Redis refused {command[0]!r}: {reply}")

    def _refuse_if_ended(self) -> None:
        if self._ended:
            raise ConnectionError("this process has said goodbye to it")

    def _check(self, replies: list[Reply]) -> None:
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith(GONE):
                raise ConnectionError(str(reply))

    def _reply(self) -> Reply:
        reply = self._reader.gets()
        while reply is False:
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise ConnectionError("Redis closed the connection")
            self._reader.feed(data)
            reply = self._reader.gets()
        return reply


__all__ = ["TIMEOUT_S", "Command", "RedisAway", "RedisLink", "Reply", "Script"]
