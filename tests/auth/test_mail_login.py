"""How the app signs in at a mail server, and what it does when that says no. The servers are real ones."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import gevent
import pytest
from flask import Flask

from tests.conftest import MakeApp
from tests.support.mail_login import PASSWORD, USER
from tests.support.mail_server import MailServer
from zgpt.auth import mail
from zgpt.auth.mail import Letter

LETTER = Letter("ada@example.org", "Hello", "Only this.")
SENDER = {"MAIL_FROM": "zgpt@example.org", "PUBLIC_URL": "https://chat.example.org"}
PROGRAM = "tests.support.mail_login"


def url(server: MailServer, scheme: str, password: str = PASSWORD) -> str:
    return f"{scheme}://{quote(USER, safe='')}:{quote(password, safe='')}@127.0.0.1:{server.port}"


def sent(app: Flask, *letters: Letter) -> None:
    room = app.extensions["zgpt_mail"]
    for letter in letters or (LETTER,):
        room.put(lambda letter=letter: letter)
    room.finish(30)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before each further try."""
    waited: list[float] = []
    monkeypatch.setattr("zgpt.auth.mail.gevent.sleep", waited.append)
    return waited


@pytest.fixture
def starttls(tmp_path: Path, files: tuple[Path, Path], servers: list[MailServer]) -> MailServer:
    server = MailServer(tmp_path, ("--tlscert", files[0], "--tlskey", files[1]), program=PROGRAM)
    servers.append(server)
    server.start()
    return server


def test_user_and_password_are_shown_behind_starttls(make_app: MakeApp, starttls: MailServer) -> None:
    sent(make_app(SMTP_URL=url(starttls, "smtp"), **SENDER))
    assert [letter["Subject"] for letter in starttls.letters(LETTER.to)] == ["Hello"]


def test_user_and_password_are_shown_over_smtps(
    make_app: MakeApp, tmp_path: Path, files: tuple[Path, Path], servers: list[MailServer]
) -> None:
    server = MailServer(tmp_path, ("--smtpscert", files[0], "--smtpskey", files[1]), greets=False, program=PROGRAM)
    servers.append(server)
    server.start()
    sent(make_app(SMTP_URL=url(server, "smtps"), **SENDER))
    assert [letter["Subject"] for letter in server.letters(LETTER.to)] == ["Hello"]


def test_a_wrong_password_is_not_tried_again_and_stands_in_no_log(
    make_app: MakeApp, starttls: MailServer, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sent(make_app(SMTP_URL=url(starttls, "smtp", "wrong otter"), **SENDER))
    assert starttls.letters(LETTER.to) == []
    assert "mail_failed" in caplog.text
    assert "wrong otter" not in caplog.text
    assert USER not in caplog.text
    assert waits == [], "a provider locks who shows a wrong password again and again"


def test_without_a_password_a_server_that_wants_one_takes_nothing(
    make_app: MakeApp, starttls: MailServer, waits: list[float]
) -> None:
    sent(make_app(SMTP_URL=starttls.url, **SENDER))
    assert starttls.letters(LETTER.to) == []
    assert waits == []


def test_no_password_is_shown_to_a_server_that_nobody_vouches_for(
    make_app: MakeApp, starttls: MailServer, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr("smtplib.SMTP.login", lambda _server, user, _password: shown.append(user))
    sent(make_app(SMTP_URL=url(starttls, "smtp"), **SENDER))
    assert shown == []


@pytest.fixture
def peer() -> Iterator[Callable[[dict[bytes, bytes]], tuple[str, list[bytes]]]]:
    """A server that answers by the first word of a line, for what no well-behaved one does; its URL, what it heard."""
    listeners: list[socket.socket] = []
    tasks: list[gevent.Greenlet[..., None]] = []

    def start(answers: dict[bytes, bytes]) -> tuple[str, list[bytes]]:
        listener, heard = socket.create_server(("127.0.0.1", 0)), list[bytes]()
        listeners.append(listener)
        tasks.append(gevent.spawn(_serve, listener, answers, heard))
        return f"smtp+plain://127.0.0.1:{listener.getsockname()[1]}", heard

    yield start
    gevent.killall(tasks)
    for listener in listeners:
        listener.close()


def _serve(listener: socket.socket, answers: dict[bytes, bytes], heard: list[bytes]) -> None:
    while True:
        connection, _ = listener.accept()
        with closing(connection), connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            in_text = False
            for line in lines:
                if in_text and line != b".\r\n":
                    continue
                word = line.split()[0].upper()
                heard.append(line.strip())
                in_text = word == b"DATA"
                connection.sendall(answers.get(word, b"354 go on\r\n" if in_text else b"250 well\r\n"))


Peer = Callable[[dict[bytes, bytes]], tuple[str, list[bytes]]]


def said(heard: list[bytes], word: bytes) -> int:
    return sum(line.upper().startswith(word) for line in heard)


def test_an_address_that_does_not_exist_holds_no_other_letter_up(
    make_app: MakeApp, peer: Peer, waits: list[float]
) -> None:
    where, heard = peer({b"RCPT": b"550 no such mailbox\r\n"})
    sent(make_app(SMTP_URL=where, **SENDER))
    assert (said(heard, b"RCPT"), waits) == (1, [])


def test_an_address_that_is_not_taken_just_now_is_tried_again(
    make_app: MakeApp, peer: Peer, waits: list[float]
) -> None:
    where, heard = peer({b"RCPT": b"450 greylisted\r\n"})
    sent(make_app(SMTP_URL=where, **SENDER))
    assert (said(heard, b"RCPT"), len(waits)) == (mail.TRIES, mail.TRIES - 1)


def test_a_letter_that_was_taken_is_not_sent_again_for_a_bad_goodbye(
    make_app: MakeApp, peer: Peer, waits: list[float]
) -> None:
    where, heard = peer({b"QUIT": b"421 I am leaving first\r\n"})
    sent(make_app(SMTP_URL=where, **SENDER))
    assert (said(heard, b"DATA"), waits) == (1, [])
