"""Moderation as an app has it: on with the shipped policy, off, or refused at the start; watched while it serves."""

from pathlib import Path

import gevent
import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import MakeApp
from tests.moderation.texts import POLICY
from zgpt.core import audit
from zgpt.core.config import ConfigError
from zgpt.core.db import db
from zgpt.core.errors import Unavailable
from zgpt.core.models import AuditEvent
from zgpt.moderation import policy_file
from zgpt.moderation.moderation import current_moderation, start_moderation, stop_moderation


def changes(app: Flask) -> list[str]:
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "moderation_policy_changed"))
        return [row.detail["digest"] for row in rows]


def test_it_is_on_with_the_shipped_policy_unless_it_is_turned_off(make_app: MakeApp) -> None:
    assert current_moderation(make_app()) is not None
    off = make_app(MODERATION="off")
    assert current_moderation(off) is None
    start_moderation(off)
    stop_moderation(off)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"MODERATION_POLICY": "/nowhere/policy.yaml"}, "MODERATION_POLICY: /nowhere/policy.yaml"),
        ({"MODERATION_URL": "http://127.0.0.1:1/v1"}, "MODERATION_URL must end"),
        ({"MODERATION_URL": "http://me@127.0.0.1:1/v1/moderations"}, "MODERATION_URL must not carry"),
    ],
)
def test_what_cannot_be_used_is_told_at_the_start(make_app: MakeApp, env: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_app(**env)


def test_a_bad_policy_is_told_with_its_line_at_the_start(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("version: 1\nrules: none\n")
    with pytest.raises(ConfigError, match="line 2: here must be a list"):
        make_app(MODERATION_POLICY=str(tmp_path / "bad.yaml"))


@pytest.mark.parametrize("is_away", [False, True], ids=["written", "database away"])
def test_another_policy_is_in_force_without_a_restart_and_audited(
    make_app: MakeApp, policy_path: Path, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable

    if is_away:
        monkeypatch.setattr(audit, "record", away)
    monkeypatch.setattr(policy_file, "LOOK_S", 0.01)
    app = make_app(MODERATION_POLICY=str(policy_path))
    front = current_moderation(app)
    assert front is not None
    assert front.prompt("zacharias").decisions == ()
    start_moderation(app)
    policy_path.write_text(POLICY.replace("zebedee", "zacharias"))
    with gevent.Timeout(10):
        while not front.prompt("zacharias").decisions:
            gevent.sleep(0.01)
        while not is_away and not changes(app):
            gevent.sleep(0.01)
    stop_moderation(app)
    assert changes(app) == ([] if is_away else [front.file.policy.digest])
