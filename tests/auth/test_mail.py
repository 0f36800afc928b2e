"""How letters leave: over TLS, again after a failure, never at anybody's cost."""

import logging
import socket
from functools import partial
from pathlib import Path

import gevent
import pytest
from flask import Flask

from tests.auth.support import AUTH
from tests.conftest import MakeApp
from tests.support.mail_server import MailServer
from tests.support.people import PASSWORD
from tests.support.processes import free_port
from zgpt.auth import mail
from zgpt.auth.mail import Letter, MailRoom
from zgpt.core.config import ConfigError, load_settings

LETTER = Letter("ada@example.org", "Hello", "Only this.")
SENDER = {"MAIL_FROM": "Z-GPT <zgpt@example.org>", "PUBLIC_URL": "https://chat.example.org"}


def sent(app: Flask, letter: Letter = LETTER) -> None:
    app.extensions["zgpt_mail"].put(lambda: letter)
    app.extensions["zgpt_mail"].finish(30)


def test_starttls_is_used_where_it_is_offered(
    make_app: MakeApp, tmp_path: Path, files: tuple[Path, Path], servers: list[MailServer]
) -> None:
    server = MailServer(tmp_path, ("--tlscert", files[0], "--tlskey", files[1]))
    servers.append(server)
    server.start()
    sent(make_app(SMTP_URL=server.url, **SENDER))
    (letter,) = server.letters("ada@example.org")
    assert (letter["From"], letter["Auto-Submitted"]) == ("Z-GPT <zgpt@example.org>", "auto-generated")
    assert letter.get_content() == "Only this.\n"


def test_smtps_is_tls_from_the_first_byte(
    make_app: MakeApp, tmp_path: Path, files: tuple[Path, Path], servers: list[MailServer]
) -> None:
    server = MailServer(tmp_path, ("--smtpscert", files[0], "--smtpskey", files[1]), greets=False)
    servers.append(server)
    server.start()
    sent(make_app(SMTP_URL=server.url.replace("smtp:", "smtps:"), **SENDER))
    assert [letter["Subject"] for letter in server.letters("ada@example.org")] == ["Hello"]


def test_a_server_that_nobody_vouches_for_gets_no_letter(
    make_app: MakeApp,
    tmp_path: Path,
    files: tuple[Path, Path],
    servers: list[MailServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = MailServer(tmp_path, ("--tlscert", files[0], "--tlskey", files[1]))
    servers.append(server)
    server.start()
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(mail, "RETRY_S", 0.01)
    sent(make_app(SMTP_URL=server.url, **SENDER))
    assert server.letters("ada@example.org") == []


def test_a_server_without_tls_elsewhere_gets_no_letter(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(SMTP_URL="smtp://mail.example.org", **SENDER)
    listener = socket.create_server(("127.0.0.1", 0))
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda _to, *a, **k: real(listener.getsockname(), *a, **k))
    monkeypatch.setattr(mail, "TRIES", 1)
    heard = bytearray()

    def plain() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"220 here\r\n")
            while line := peer.recv(1_000):
                heard.extend(line)
                peer.sendall(b"250 no extensions\r\n")

    server = gevent.spawn(plain)
    sent(app)
    listener.close()
    server.kill()
    assert heard.upper().startswith(b"EHLO")
    assert b"MAIL" not in heard.upper()


def test_a_server_that_is_away_for_a_moment_gets_the_letter_later(
    make_app: MakeApp, tmp_path: Path, servers: list[MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MailServer(tmp_path)
    servers.append(server)
    tries: list[int] = []

    def wait(_seconds: float) -> None:
        tries.append(1)
        server.start()

    monkeypatch.setattr("zgpt.auth.mail.gevent.sleep", wait)
    sent(make_app(SMTP_URL=server.url, **SENDER))
    assert (len(tries), len(server.letters("ada@example.org"))) == (1, 1)


def test_a_server_that_never_comes_costs_nobody_anything(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail, "RETRY_S", 0.01)
    app = make_app(SMTP_URL=f"smtp://127.0.0.1:{free_port()}", **SENDER)
    with caplog.at_level(logging.WARNING):
        answer = app.test_client().post(f"{AUTH}/signup", json={"email": "ada@example.org", "password": PASSWORD})
        app.extensions["zgpt_mail"].finish(10)
    assert answer.status_code == 202
    assert "mail_failed" in caplog.text
    assert PASSWORD not in caplog.text
    assert "ada@example.org" not in caplog.text


def test_the_queue_is_bounded(make_app: MakeApp) -> None:
    room, written = MailRoom(make_app()), list[int]()
    for number in range(mail.WAITING_MAX + 10):
        room.put(partial(written.append, number))
    room.finish(10)
    assert written == list(range(mail.WAITING_MAX))


@pytest.mark.parametrize(
    ("env", "fault"),
    [
        ({"SMTP_URL": "smtp://mail.example.org"}, "SMTP_URL needs MAIL_FROM and PUBLIC_URL"),
        ({"SMTP_URL": "http://mail.example.org", **SENDER}, "SMTP_URL: must be smtp://"),
        ({"SMTP_URL": "smtp+plain://u:p@mail.example.org", **SENDER}, "SMTP_URL: a password is not sent"),
        ({"SMTP_URL": "smtp://mail.example.org:port", **SENDER}, "SMTP_URL: "),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM: must be an e-mail address"),
        ({"MAIL_FROM": "a@b.c\nBcc: x@y.z"}, "MAIL_FROM: must be an e-mail address"),
        ({"DATA_SECRET": "short"}, "DATA_SECRET"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(env: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(env)
    assert any(line.startswith(fault) for line in caught.value.faults), caught.value.faults
    assert "u:p" not in str(caught.value)


def test_without_mail_the_routes_of_links_say_so(make_app: MakeApp) -> None:
    app = make_app()
    answer = app.test_client().post(f"{AUTH}/password/forgot", json={"email": "ada@example.org"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "mail_off")
    assert app.test_client().get("/api/v1/app").get_json()["mail"] is False


def test_letters_that_wait_are_sent_before_the_process_ends(
    make_app: MakeApp, tmp_path: Path, servers: list[MailServer]
) -> None:
    server = MailServer(tmp_path)
    servers.append(server)
    server.start()
    app = make_app(SMTP_URL=server.url, **SENDER)
    app.extensions["zgpt_mail"].put(lambda: LETTER)
    mail.finish_mail(app)
    assert len(server.letters(LETTER.to)) == 1


def _unwritable() -> Letter:
    raise ZeroDivisionError


def test_a_letter_that_cannot_be_written_keeps_no_other_from_leaving(make_app: MakeApp) -> None:
    room, written = MailRoom(make_app()), list[int]()
    room.put(_unwritable)
    room.put(lambda: written.append(1))
    room.finish(10)
    assert written == [1]
