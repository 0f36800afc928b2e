"""An account that is deleted leaves nothing behind but ids in the audit log."""

import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from flask import Flask
from sqlalchemy import select

from tests.chat.support import add_message, new_session
from tests.conftest import MakeServer
from tests.security.raw import ask
from tests.support.people import PASSWORD, sign_up
from tests.support.viewer import Viewer
from tests.support.visitor import visit
from zgpt.core.db import Base, db

SECRET = "a very private sentence"


@pytest.fixture
def on_both(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url)
    with app.app_context():
        yield app


def everything() -> str:
    """All rows of all tables as text."""
    rows = (str(dict(row)) for table in Base.metadata.sorted_tables
            for row in db.session.execute(select(table)).mappings())  # fmt: skip
    return "\n".join(rows)


def test_no_row_names_the_user_but_the_audit_log(on_both: Flask) -> None:
    ada = sign_up(on_both, "ada.erased@example.org")
    add_message(on_both, ada, new_session(on_both, ada, "private title"), SECRET)
    before = everything()
    assert all(word in before for word in (SECRET, "private title", ada.email, ada.id))
    answer = ada.client.delete("/api/v1/auth/me", json={"password": PASSWORD}, headers=ada.headers)
    assert answer.status_code == 204
    db.session.rollback()
    after = everything()
    assert not [word for word in (SECRET, "private title", ada.email) if word in after]
    rows = [line for line in after.splitlines() if ada.id in line]
    assert len(rows) >= 2
    assert all("'kind': " in row and "previous_hash" in row for row in rows)


def test_no_key_of_redis_holds_a_word_or_a_name_soon_after(server: MakeServer, redis_url: str) -> None:
    running = server(REDIS_URL=redis_url)
    person = visit(running.url)
    user_id = person.get("/api/v1/auth/me")["id"]
    with Viewer(running.url, person.token) as viewer:
        viewer.connect()
        run_id = viewer.ask(f"echo:{SECRET}", str(uuid.uuid4()))["run_id"]
        viewer.see_the_end(run_id, 20.0)
    body = b'{"password":"%s"}' % PASSWORD.encode()
    headers = {"Authorization": f"Bearer {person.token}", "Content_Type": "application/json"}
    assert ask(running, "/api/v1/auth/me", "DELETE", body, **headers).status == 204
    with redis.Redis.from_url(redis_url, socket_timeout=5) as store:
        keys = [key.decode() for key in store.keys("*")]
        assert not [key for key in keys if "example.org" in key]
        # The text of an answer stays readable for a while after its end, then Redis drops it by itself.
        assert [key for key in keys if store.ttl(key) < 0 and (run_id in key or user_id in key)] == []
        assert max((store.ttl(key) for key in keys if run_id in key), default=0) <= 600
