"""One message at a time over a unix socket, with descriptors where it carries any. What they mean is not known here."""

from __future__ import annotations

import os
import struct
from array import array
from pathlib import Path
from typing import Final

from gevent import socket

from zgpt.realtime import descriptor, handover_folder
from zgpt.realtime.handover_record import Message, RecordError, decode_message, encode_message

DESCRIPTORS_MOST: Final = 128
"""In one message; Linux takes 253, others fewer."""
MESSAGE_BYTES: Final = 128 * 1_024 * 1_024
"""128 connections with full queues and half a message each stay far below it; more was never sent by us."""
_HEAD: Final = struct.Struct(">I")
_CLOSE_ON_EXEC: Final[int] = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_CREDENTIALS: Final = struct.Struct("iII")

Heard = tuple[Message, list[int]]


class WireError(OSError):
    """The other end is gone, late, somebody else, or says what cannot be understood."""


class Wire:
    """One end of an open conversation; closes its socket at the end of a `with`."""

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        """Every step may take `timeout_s`; raises WireError when the other end runs as another user."""
        sock.settimeout(timeout_s)
        self._sock = sock
        if not _is_ours(sock):
            sock.close()
            raise WireError("the process at the other end belongs to another user")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def say(self, message: Message, fds: list[int] | None = None) -> None:
        """Raises WireError."""
        data = encode_message(message)
        head = _HEAD.pack(len(data))
        try:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))] if fds else []
            sent = 0
            while not sent:
                # The head is so small that it is sent as a whole, or not at all while there is no room.
                sent = self._sock.sendmsg([head], rights)
            self._sock.sendall(data)
        except OSError as fault:
            raise WireError(f"not told: {fault}") from fault

    def hear(self) -> Heard:
        """The next message with its descriptors, which are the caller's from then on. Raises WireError."""
        fds: list[int] = []
        try:
            return decode_message(self._exactly(_HEAD.unpack(self._head(fds))[0])), fds
        except (OSError, RecordError) as fault:
            for fd in fds:
                descriptor.close(fd)
            raise WireError(f"not heard: {fault}") from fault

    def ask(self, message: Message, fds: list[int] | None = None) -> Message:
        """Say it and hear the answer, which carries no descriptors."""
        self.say(message, fds)
        return self.hear()[0]

    def _head(self, fds: list[int]) -> bytes:
        room = socket.CMSG_SPACE(DESCRIPTORS_MOST * array("i").itemsize)
        head, extra, _flags, _ = self._sock.recvmsg(_HEAD.size, room, _CLOSE_ON_EXEC)
        for given in [data for level, kind, data in extra if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)]:
            found = array("i")
            found.frombytes(given[: len(given) - len(given) % found.itemsize])
            fds.extend(found)
        return bytes(head) + self._exactly(_HEAD.size - len(head)) if head else self._exactly(_HEAD.size)

    def _exactly(self, size: int) -> bytes:
        if size > MESSAGE_BYTES:
            raise WireError(f"a message of {size} bytes")
        data = bytearray()
        while len(data) < size:
            piece = self._sock.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise WireError("the other end has gone")
            data += piece
        return bytes(data)


def listen(path: Path) -> socket.socket:
    """A socket that listens there, for this user alone; what a dead process left is replaced. Raises OSError."""
    coming = path.with_suffix(".new")
    coming.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with handover_folder.address(coming) as name:
            sock.bind(name)
        coming.chmod(0o600)
        sock.listen(64)
        # It gets its name when it listens: whoever is refused there takes it away, as a dead process's (`connect`).
        coming.rename(path)
    except BaseException:
        sock.close()
        raise
    return sock


def connect(path: Path, timeout_s: float) -> Wire:
    """Raises WireError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        with handover_folder.address(path) as name:
            sock.connect(name)
    except OSError as fault:
        sock.close()
        if isinstance(fault, ConnectionRefusedError):
            # Its process is dead: nobody listens there any more.
            path.unlink(missing_ok=True)
        raise WireError(f"not reached: {fault}") from fault
    return Wire(sock, timeout_s)


def _is_ours(sock: socket.socket) -> bool:
    """Linux says who is at the other end; elsewhere the rights of the folder decide."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _pid, uid, _gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return bool(uid == os.geteuid())
