"""How many commands one person may send over all their connections."""

from __future__ import annotations

from tests.gateway.conftest import Desk, MakeChat

NOBODYS = "01900000-0000-7000-8000-000000000001"


def test_commands_of_one_person_are_counted_over_all_connections(make_chat: MakeChat) -> None:
    desk = Desk(make_chat(LIMIT_COMMANDS="3 per minute"))
    one, other = desk.connect(), desk.connect()
    answers = [socket.ask("session.close", session_id=NOBODYS) for socket in (one, other, one, other)]
    assert [answer["type"] for answer in answers] == ["ok", "ok", "ok", "error"]
    assert (answers[-1]["code"], answers[-1]["retryable"]) == ("rate_limited", True)
    assert answers[-1]["retry_after_ms"] >= 1_000
    assert not other.closed
    assert other.ask("ping")["type"] == "ok"
    assert other.ask("run.stop", run_id=NOBODYS)["code"] == "not_found"
