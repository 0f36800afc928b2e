"""Everything of a person, as a file."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect

from tests.auth.support import audit_kinds
from tests.chat.support import add_message, new_session
from tests.conftest import MakeApp
from tests.support.people import Person, sign_up
from zgpt.core.db import Base, db
from zgpt.privacy import export as exporting
from zgpt.privacy.belongings import is_secret, owned_tables, shown_columns
from zgpt.privacy.export import NoLonger, belongings_of, stream
from zgpt.privacy.queries import PAGE_MESSAGES

EXPORT = "/api/v1/auth/me/export"


@pytest.fixture
def on_both(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url)
    yield app
    with app.app_context():
        db.engine.dispose()


def exported(person: Person) -> dict[str, Any]:
    answer = person.client.get(EXPORT, headers=person.headers)
    assert answer.status_code == 200
    return dict(json.loads(answer.get_data()))


def test_all_sessions_with_all_messages_are_in_it_and_nobody_elses(on_both: Flask) -> None:
    ada, bob = sign_up(on_both), sign_up(on_both)
    count = PAGE_MESSAGES + 3
    session = new_session(on_both, ada, "Rainbows \u2028 & more")
    for number in range(count):
        add_message(on_both, ada, session, f"private {number} 🌈")
    add_message(on_both, bob, new_session(on_both, bob), "bob's own")
    found = exported(ada)
    assert (found["account"]["email"], found["version"]) == (ada.email, 1)
    (told,) = found["sessions"]
    assert told["title"] == "Rainbows \u2028 & more"
    assert [message["text"] for message in told["messages"]] == [f"private {number} 🌈" for number in range(count)]
    assert "bob's own" not in json.dumps(found)
    assert bob.id not in json.dumps(found)


def test_devices_and_what_the_audit_log_tells_are_in_it_and_no_secret(on_both: Flask) -> None:
    ada = sign_up(on_both)
    found = exported(ada)
    assert len(found["logins"]) == 1
    assert {"signed_up", "data_exported"} <= {event["kind"] for event in found["audit_events"]}
    text = json.dumps(found)
    assert "hash" not in text.replace("unhashed", "")
    assert ada.access_token not in text
    assert audit_kinds(on_both, ada.id)[-1] == "data_exported"


def test_as_markdown_it_can_be_read(app: Flask) -> None:
    ada = sign_up(app)
    add_message(app, ada, new_session(app, ada, "My *title*"), "# A heading of mine")
    answer = ada.client.get(f"{EXPORT}?format=markdown", headers=ada.headers)
    text = answer.get_data(as_text=True)
    assert answer.content_type == "text/markdown; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="zgpt-export-')
    assert answer.headers["Cache-Control"] == "no-store"
    assert "\n## My \\*title\\*\n" in text
    assert "\n\n# A heading of mine\n" in text


@pytest.mark.parametrize(("query", "status"), [("?format=xml", 422), ("?user_id=1", 422)])
def test_what_it_does_not_know_is_refused(app: Flask, query: str, status: int) -> None:
    ada = sign_up(app)
    assert ada.client.get(EXPORT + query, headers=ada.headers).status_code == status


def test_it_is_for_its_owner_only_and_not_all_day(app: Flask) -> None:
    assert app.test_client().get(EXPORT).status_code == 401
    ada = sign_up(app)
    statuses = [ada.client.get(EXPORT, headers=ada.headers, buffered=True).status_code for _ in range(7)]
    assert statuses == [200] * 6 + [429]


def test_it_breaks_off_when_the_login_ends_in_the_middle(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LOOK_EVERY_S", 0.0)
    ada = sign_up(app)
    asked = iter([True, True, False])
    with app.app_context():
        pieces = stream("json", belongings_of(ada.id), lambda: next(asked))
        with pytest.raises(NoLonger):
            list(pieces)


def test_a_long_history_takes_no_more_memory(app: Flask) -> None:
    ada = sign_up(app)
    session = new_session(app, ada)
    peaks, size = [], 0
    with app.app_context():
        for _ in range(2):
            for _ in range(60):
                add_message(app, ada, session, "x" * 20_000)
            tracemalloc.start()
            size = sum(len(piece) for piece in stream("json", belongings_of(ada.id), lambda: True))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert size > 2_400_000
    assert peaks[1] < 1.2 * peaks[0]


def test_the_command_writes_the_same_into_a_file_for_its_owner_only(app: Flask, tmp_path: Path) -> None:
    ada = sign_up(app)
    add_message(app, ada, new_session(app, ada), "mine")
    run, target = app.test_cli_runner(), tmp_path / "ada.json"
    result = run.invoke(args=["export-user", ada.email.upper(), "--output", str(target)])
    assert result.exit_code == 0, result.output
    assert json.loads(target.read_text())["sessions"][0]["messages"][0]["text"] == "mine"
    assert target.stat().st_mode & 0o777 == 0o600
    assert run.invoke(args=["export-user", ada.email, "--output", str(target)]).exit_code == 1
    assert run.invoke(args=["export-user", "nobody@example.org"]).exit_code == 1
    assert audit_kinds(app, ada.id)[-1] == "data_exported"


def test_every_column_that_holds_a_secret_is_left_out(make_app: MakeApp) -> None:
    secrets = {"password_hash", "token_hash", "previous_hash", "key_hash", "code_hash", "salt"}
    for table in owned_tables(Base.metadata):
        assert not secrets & {column.name for column in shown_columns(table)}, table.name
    assert not [name for name in ("created_at", "first_token_at", "user_agent", "prompt_tokens") if is_secret(name)]


def test_every_table_is_exported_or_its_absence_has_a_reason(app: Flask) -> None:
    reasons = {
        "users": "the account itself",
        "messages": "shown with their sessions",
        "audit_events": "asked for by itself: no foreign key leads to the user",
        "audit_heads": "of nobody",
        "chores": "of nobody",
        "alembic_version": "of nobody",
    }
    with app.app_context():
        there = set(inspect(db.engine).get_table_names())
    assert there - {table.name for table in owned_tables(Base.metadata)} - set(reasons) == set()
