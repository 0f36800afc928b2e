"""Sends letters by SMTP from a bounded queue in the background: nobody waits for it, and nobody learns from it.

A letter that was not sent when the process ends is lost: who waits for it asks again. Texts are in `letters`.
"""

from __future__ import annotations

import smtplib
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

import gevent
import structlog
from flask import Flask, current_app

from zgpt.core import clock, metrics
from zgpt.core.config import Settings, settings

WAITING_MAX = 500
"""Letters that wait. Above this somebody floods us, and further ones are dropped."""
TIMEOUT_S = 10.0
"""For each step of the conversation with the mail server."""
LAST_S = 3.0
"""What waits may keep a process from ending for so long."""
TRIES = 3
RETRY_S = 5.0
REFUSED_FOR_GOOD = 500
"""RFC 5321 §4.2.1: from here on a code says "never", below "not now"."""
EXTENSION = "zgpt_mail"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A plain text to one address."""

    to: str
    subject: str
    text: str


Job = Callable[[], Letter | None]
"""Writes a letter when its turn comes, or finds that none is due. Runs in an app context, outside any request."""


class MailRoom:
    """The queue of one app, and the greenlet that empties it while there is something in it.

    smtplib waits cooperatively under gevent, so it needs no thread.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._jobs: deque[Job] = deque()
        self._worker: gevent.Greenlet[[], None] | None = None

    def put(self, job: Job) -> None:
        """Do it soon. Never waits and never fails."""
        if len(self._jobs) >= WAITING_MAX:
            metrics.MAILS.labels("dropped").inc()
            log.warning("mail_dropped", waiting=len(self._jobs))
            return
        self._jobs.append(job)
        if self._worker is None:
            self._worker = gevent.spawn(self._work)

    def finish(self, timeout_s: float) -> None:
        """Wait until the queue is empty, but not longer than this."""
        if self._worker is not None:
            self._worker.join(timeout_s)

    def _work(self) -> None:
        try:
            while self._jobs:
                self._do(self._jobs.popleft())
        finally:
            self._worker = None

    def _do(self, job: Job) -> None:
        try:
            # Not while it is sent: that takes long, and database connections are few.
            with self._app.app_context():
                letter = job()
            if letter is not None:
                _send(letter, self._app.config["ZGPT"])
        except (OSError, smtplib.SMTPException) as error:
            # Without its text, which may name the address.
            self._count_failure()
            log.warning("mail_failed", error=type(error).__name__, smtp_code=getattr(error, "smtp_code", None))
        except Exception:
            # One letter that cannot be written must not keep the others from leaving.
            self._count_failure()
            log.exception("letter_failed")

    @staticmethod
    def _count_failure() -> None:
        metrics.MAILS.labels("failed").inc()


def install_mail(app: Flask) -> None:
    """Give the app its queue."""
    app.extensions[EXTENSION] = MailRoom(app)


def finish_mail(app: Flask) -> None:
    """The process ends: send what waits, if the mail server takes it quickly."""
    room: MailRoom = app.extensions[EXTENSION]
    room.finish(LAST_S)


def mail_room() -> MailRoom:
    """The queue of the current app."""
    room: MailRoom = current_app.extensions[EXTENSION]
    return room


def is_on() -> bool:
    """Whether letters are sent here at all."""
    return settings().smtp_url is not None


def _send(letter: Letter, config: Settings) -> None:
    """Deliver it, again after a while when the server could not take it now. Raises what the last try met."""
    for left in reversed(range(TRIES)):
        try:
            deliver(letter, config)
        except (OSError, smtplib.SMTPException) as error:
            if left == 0 or _is_for_good(error):
                raise
            gevent.sleep(RETRY_S)
        else:
            metrics.MAILS.labels("sent").inc()
            return


def _is_for_good(error: Exception) -> bool:
    """Whether the same letter would be refused again: the others of the queue need not wait for that."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= REFUSED_FOR_GOOD for code, _ in error.recipients.values())
        case smtplib.SMTPResponseException():
            return error.smtp_code >= REFUSED_FOR_GOOD
    return isinstance(error, smtplib.SMTPNotSupportedError)


def deliver(letter: Letter, config: Settings) -> None:
    """One conversation with the mail server. Raises OSError or SMTPException."""
    url, sender = config.smtp_url, config.mail_from
    if url is None or sender is None:
        raise smtplib.SMTPException("no mail server is set")
    parts = urlsplit(url.get_secret_value())
    with closing(_connect(parts)) as server:
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(_message(letter, sender), to_addrs=[letter.to])
        # It was taken. Were a failing goodbye a failure, it would be sent again.
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _connect(parts: SplitResult) -> smtplib.SMTP:
    host, trusted = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=trusted)
    server = smtplib.SMTP(host, parts.port or (587 if parts.scheme == "smtp" else 25), timeout=TIMEOUT_S)
    if parts.scheme == "smtp" and not (_is_here(host) and not _offers_tls(server)):
        try:
            server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
    return server


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _offers_tls(server: smtplib.SMTP) -> bool:
    server.ehlo_or_helo_if_needed()
    return server.has_extn("starttls")


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
