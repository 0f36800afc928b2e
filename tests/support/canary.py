"""A place of the outside world that must never be reached: every host but ours leads a watched browser here."""

import socket
import threading

BROWSERS_OWN = (b".google.com", b".googleapis.com", b".gvt1.com", b".gstatic.com")
"""Whom Chromium calls by itself: the name stands in its TLS hello. No payload of the corpus names one of them."""


class Canary:
    """A listener on a port of its own that remembers whoever connects, by the first bytes that were sent."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._heard: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def heard(self) -> list[bytes]:
        """Who came, but for the browser's own errands; one that said nothing (a preconnect) counts."""
        return [said for said in self._heard if not any(name in said for name in BROWSERS_OWN)]

    @property
    def resolver_rule(self) -> str:
        """The flag that leads Chromium here for every name and address but loopback's."""
        return f"--host-resolver-rules=MAP * 127.0.0.1:{self.port}, EXCLUDE 127.0.0.1"

    def close(self) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            with caller:
                # A preconnect says nothing: that it came is what counts.
                self._heard.append(b"")
                caller.settimeout(1)
                try:
                    self._heard[-1] = caller.recv(4096)
                    caller.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                except OSError:
                    continue
