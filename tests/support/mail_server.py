"""A real mail server in a process of its own, and the letters that came to it."""

import email
import email.policy
import re
import subprocess
import sys
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import gevent

from tests.support.processes import ServiceError, free_port, polls, spawn, stop, tail

START_TIMEOUT_S = 20.0
LETTER_TIMEOUT_S = 10.0


class MailServer:
    """aiosmtpd on a free port; what it takes goes into a Maildir. With TLS from the start it greets nobody in clear."""

    def __init__(
        self, folder: Path, options: Sequence[object] = (), *, greets: bool = True, program: str = "aiosmtpd"
    ) -> None:
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self._folder = folder / "letters"
        self._log = folder / "mail.log"
        self._options = options
        self._program = program
        self._greeting = b"220" if greets else b""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it greets."""
        listen = ("-n", "-l", f"127.0.0.1:{self.port}", "-c", "aiosmtpd.handlers.Mailbox", self._folder)
        self._process = spawn([sys.executable, "-m", self._program, *self._options, *listen], self._log)
        for _ in polls(START_TIMEOUT_S):
            if self._process.poll() is not None or self._greets():
                break
        if not self._greets():
            raise ServiceError(f"the mail server did not start:\n{tail(self._log)}")

    def close(self) -> None:
        if self._process is not None:
            stop(self._process)

    def clear(self) -> None:
        """Throw all letters away."""
        for path in (self._folder / "new").glob("*"):
            path.unlink()

    def letters(self, to: str) -> list[EmailMessage]:
        """The letters to an address, the oldest first."""
        found = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in sorted((self._folder / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        ]
        return [letter for letter in found if letter["To"] == to and isinstance(letter, EmailMessage)]

    def wait_for(self, to: str, number: int = 1) -> EmailMessage:
        """The newest letter to an address, once there are so many."""
        for _ in polls(LETTER_TIMEOUT_S):
            if len(letters := self.letters(to)) >= number:
                return letters[-1]
            gevent.sleep(0.02)
        raise AssertionError(f"{len(self.letters(to))} of {number} letters came to {to}")

    def _greets(self) -> bool:
        try:
            with gevent.socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                return not self._greeting or bool(probe.recv(3) == self._greeting)
        except OSError:
            return False


def link_in(letter: EmailMessage) -> str:
    """The link that a letter carries."""
    found = re.search(r"https?://\S+#\S+", letter.get_content())
    assert found, letter.get_content()
    return found.group()


def token_in(letter: EmailMessage) -> str:
    """The secret of its link."""
    return link_in(letter).partition("=")[2]
