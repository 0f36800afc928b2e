"""A WebSocket client that looks for what has arrived instead of waiting for it: one core carries hundreds of them."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.support import ws_frames
from tests.support.ws_client import Client, Closed

Frame = dict[str, Any]
READ_BYTES = 262_144


class GlanceClient(Client):
    """`Client`, with a way to read that never waits."""

    @property
    def port_here(self) -> int:
        """Our end of the connection: by it the worker at the other end is found."""
        port: int = self._open().getsockname()[1]
        return port

    def arrived(self) -> list[Frame]:
        """All frames that are there, in order; raises Closed once those before the end have been taken."""
        frames = self.take_events()
        ended = self._fill_inbox()
        while self._inbox:
            opcode, payload = self._inbox.popleft()
            if opcode == ws_frames.TEXT:
                frames.append(msgspec.json.decode(payload))
            elif not frames or opcode == ws_frames.PING:
                self._control(opcode, payload)
            else:
                self._inbox.appendleft((opcode, payload))
                return frames
        if ended is not None and not frames:
            raise self._gone(ended)
        return frames

    def put_back(self, frames: list[Frame]) -> None:
        """Frames that must be looked at after the answer to a command that is about to be sent."""
        self._events.extendleft(reversed(frames))

    def _fill_inbox(self) -> Closed | None:
        sock = self._open()
        sock.settimeout(0.0)
        try:
            while True:
                data = sock.recv(READ_BYTES)
                self.bytes_read += len(data)
                self._inbox.extend(self._frames.feed(data))
                if not data:
                    return Closed(1006, "end of stream without a close frame")
                if len(data) < READ_BYTES:
                    return None
        except BlockingIOError:
            return None
        except OSError as error:
            return Closed(1006, str(error))
        finally:
            # A command that is sent next must not find the kernel's buffer full and fail.
            sock.settimeout(10.0)
