"""What the engine tells whoever handles a connection's messages; the interface only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zgpt.realtime.connection import Connection


class Handler(Protocol):
    """Who gets a connection's messages. All calls come from the event loop and must not block.

    `on_open` first, `on_close` exactly once and last. No call comes from inside `offer`, `send_frame` or `close`.
    An exception is logged and closes the connection with 1011.
    """

    def on_open(self, conn: Connection) -> None: ...

    def on_text(self, conn: Connection, data: bytes) -> None:
        """A whole text message; `data` is valid UTF-8."""

    def on_binary(self, conn: Connection, data: bytes) -> None: ...

    def on_drain(self, conn: Connection) -> None:
        """Everything that waited has been handed to the kernel; `blocked` is False again."""

    def on_close(self, conn: Connection, code: int) -> None:
        """It is closed or closing; `code` is ours, else the peer's (1005 none, 1006 no close frame)."""
