"""Check 40, as far as data goes: a backup brings everything back but who asked to be forgotten."""

import sqlite3
from contextlib import closing
from pathlib import Path

from flask import Flask

from tests.chat.support import add_message, get, ids_of, new_session
from tests.security.tampering import verdict_of
from tests.support.people import PASSWORD, Person, sign_up
from zgpt.core.audit_heads import export_head, heads_path
from zgpt.core.db import db
from zgpt.core.keys import FILE_NAME

FOLDER_FILES = {FILE_NAME, "data_secret"}


def copied(source: Path, target: Path) -> None:
    """A backup of a SQLite that is in use, as docs/DEPLOYMENT.md says."""
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def restored(app: Flask, backup: Path) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    database = Path(app.instance_path) / "zgpt.db"
    for path in database.parent.glob("zgpt.db-*"):
        path.unlink()
    copied(backup, database)


def deleted(person: Person) -> None:
    answer = person.client.delete("/api/v1/auth/me", json={"password": PASSWORD}, headers=person.headers)
    assert answer.status_code == 204


def test_sec_40_a_restored_backup_holds_all_and_everybody_is_still_signed_in(app: Flask, tmp_path: Path) -> None:
    ada = sign_up(app)
    session = new_session(app, ada, "kept")
    add_message(app, ada, session, "kept words")
    copied(Path(app.instance_path) / "zgpt.db", tmp_path / "backup.db")
    deleted(ada)
    restored(app, tmp_path / "backup.db")
    assert ids_of(get(ada, "/sessions")) == [session]
    assert get(ada, f"/sessions/{session}/messages")["items"][0]["text"] == "kept words"
    assert {path.name for path in Path(app.instance_path).iterdir()} >= FOLDER_FILES


def test_sec_40_who_was_deleted_since_the_backup_is_deleted_again(app: Flask, tmp_path: Path) -> None:
    ada, bob = sign_up(app), sign_up(app)
    copied(Path(app.instance_path) / "zgpt.db", tmp_path / "backup.db")
    deleted(ada)
    restored(app, tmp_path / "backup.db")
    run = app.test_cli_runner()
    assert "1 accounts were there again" in run.invoke(args=["erase-again"]).output
    assert "0 accounts were there again" in run.invoke(args=["erase-again"]).output
    assert ada.client.get("/api/v1/auth/me", headers=ada.headers).status_code == 401
    assert bob.client.get("/api/v1/auth/me", headers=bob.headers).status_code == 200


def test_sec_40_a_file_of_ids_that_holds_something_else_is_refused(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("ada@example.org\n")
    assert app.test_cli_runner().invoke(args=["erase-again", "--ids", str(tmp_path / "ids")]).exit_code == 1


def test_sec_40_the_audit_log_tells_that_it_was_restored(app: Flask, tmp_path: Path) -> None:
    ada = sign_up(app)
    copied(Path(app.instance_path) / "zgpt.db", tmp_path / "backup.db")
    deleted(ada)
    with app.app_context():
        export_head()
    restored(app, tmp_path / "backup.db")
    with app.app_context():
        assert "is missing: a head of" in verdict_of(app)[1]
        heads_path().rename(tmp_path / "heads-before-the-restore.jsonl")
        assert verdict_of(app)[0] == 0
