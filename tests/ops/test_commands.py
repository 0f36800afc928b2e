"""The operators' commands."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.people import PASSWORD, Person
from zgpt.auth.models import User
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.core.models import AuditEvent
from zgpt.ops.actions import make_admin
from zgpt.runs.models import Run
from zgpt.seed.stories import read_demo

DEMO_PASSWORD = "seven quiet otters sing"


@pytest.fixture
def fresh(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url)
    with app.app_context():
        yield app


def counts() -> list[int | None]:
    db.session.rollback()
    return [db.session.scalar(select(func.count()).select_from(table)) for table in (User, ChatSession, Message, Run)]


def test_seed_makes_the_demo_once(fresh: Flask) -> None:
    runner = fresh.test_cli_runner()
    first = runner.invoke(args=["seed"])
    assert "ada@demo.example and ben@demo.example" in first.output
    made = counts()
    assert made[0] == len(read_demo().people) == 2
    assert min(number or 0 for number in made) >= 2
    again = runner.invoke(args=["seed"])
    assert (again.exit_code, counts()) == (0, made)
    assert "nothing was changed" in again.output


def test_the_demo_can_be_used_like_any_account(fresh: Flask) -> None:
    fresh.test_cli_runner().invoke(args=["seed", "--password", DEMO_PASSWORD])
    client = fresh.test_client()
    login = client.post("/api/v1/auth/login", json={"email": "ada@demo.example", "password": DEMO_PASSWORD})
    headers = {"Authorization": f"Bearer {login.get_json()['access_token']}"}
    sessions = client.get("/api/v1/sessions", headers=headers).get_json()["items"]
    assert [session["title"] for session in sessions][:1] == ["A slug function in Python"]
    found = client.get(f"/api/v1/sessions/{sessions[0]['id']}/messages", headers=headers).get_json()["items"]
    answers = [message for message in found if message["role"] == "assistant"]
    assert {message["run"]["status"] for message in answers} == {"stopped", "completed"}
    assert all(message["run"]["ends"]["text"] == len(message["text"].encode()) for message in answers)


def test_the_demo_has_trees_with_siblings_and_every_leaf_ends_its_branch(fresh: Flask) -> None:
    fresh.test_cli_runner().invoke(args=["seed"])
    children = db.session.execute(select(Message.parent_id, func.count()).group_by(Message.parent_id)).all()
    assert max(number for parent, number in children if parent) > 1
    parents = set(db.session.scalars(select(Message.parent_id)))
    leaves = db.session.scalars(select(ChatSession.leaf_id)).all()
    assert leaves
    assert not set(leaves) & parents


def test_create_admin_makes_an_account(fresh: Flask) -> None:
    result = fresh.test_cli_runner().invoke(
        args=["create-admin", "Root@Example.org"], input=f"{PASSWORD}\n{PASSWORD}\n"
    )
    assert result.exit_code == 0, result.output
    assert "was made and is an admin now" in result.output
    user = db.session.scalars(select(User)).one()
    assert (user.email, user.role) == ("root@example.org", "admin")
    assert db.session.scalars(select(AuditEvent.kind)).all() == ["admin_made"]


def test_create_admin_raises_an_account_that_is_there_and_keeps_its_password(
    app: Flask, signed_in: Callable[..., Person]
) -> None:
    ada = signed_in()
    assert app.test_cli_runner().invoke(args=["create-admin", ada.email, "--password", "other"]).exit_code == 0
    login = ada.client.post("/api/v1/auth/login", json={"email": ada.email, "password": ada.password})
    assert login.get_json()["user"]["role"] == "admin"


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [("nobody", PASSWORD, "not an e-mail"), ("a@b.org", "password", "password"), ("a@b.org", "x", "at least")],
)
def test_create_admin_refuses_in_words(fresh: Flask, email: str, password: str, words: str) -> None:
    result = fresh.test_cli_runner().invoke(args=["create-admin", email, "--password", password])
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output
    assert counts()[0] == 0


def test_make_admin_without_a_password_needs_an_account(fresh: Flask) -> None:
    with pytest.raises(ValueError, match="no account"):
        make_admin("nobody@example.org", None)
