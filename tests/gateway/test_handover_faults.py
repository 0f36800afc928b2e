"""What a moving chat connection takes along, and what becomes of it when something is not as it should be."""

from __future__ import annotations

from unittest.mock import Mock

import gevent
import msgspec
import pytest

from tests.gateway.conftest import Chat
from tests.gateway.pages import Page, freeze, held_answer
from tests.support import ws_frames
from zgpt.core.errors import Unavailable
from zgpt.gateway import handover as moving
from zgpt.gateway.client import Client
from zgpt.gateway.handover import ClientRecord, Handover, record_of
from zgpt.realtime import close_codes
from zgpt.realtime.handover_record import decode_record
from zgpt.runs.news import News


def test_what_it_may_still_ask_and_when_its_token_expires_go_along(page: Page, handover: Handover) -> None:
    page.client.allowance, page.client.refusals, page.client.warned = 0.0, 7, True
    before, due_s = page.client, page.client.due_s
    handover.arrive([freeze(handover, page)])
    after = page.client
    assert after is not before
    assert (after.allowance, after.refusals, after.warned, after.due_s) == (0.0, 7, True, due_s)


def record(client: Client) -> ClientRecord:
    return decode_record(record_of(client), ClientRecord)


def test_a_viewer_that_has_still_to_hear_of_an_epoch_is_told_of_it(chat: Chat, page: Page) -> None:
    _, sent = held_answer(chat, page)
    run = chat.hub.live_run(sent.run_id)
    assert run is not None
    page.conn.blocked = True
    run.restart(msgspec.structs.replace(run.head, epoch=2), {"text": b"one "})
    (place,) = record(page.client).sessions[0].runs
    assert (place.epoch, place.at) == (1, {"text": 0})
    page.conn.blocked = False


def test_a_record_that_cannot_be_read_sends_the_client_away(page: Page, handover: Handover) -> None:
    conn, _ = freeze(handover, page)
    handover.arrive([(conn, b"nonsense")])
    assert page.closed_with() == close_codes.RESTART


@pytest.mark.parametrize("fault", [Unavailable(), ValueError("a fault of ours")])
def test_without_a_database_the_clients_are_sent_away(
    page: Page, handover: Handover, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(moving, "RETRY_S", 0.001)
    monkeypatch.setattr(moving, "_read", Mock(side_effect=fault))
    handover.arrive([freeze(handover, page)])
    assert page.closed_with() == close_codes.RESTART


def test_a_database_that_comes_back_is_waited_for(
    page: Page, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "RETRY_S", 0.001)
    nothing = News(set(), {}, [], {}, {})
    monkeypatch.setattr(moving, "_read", Mock(side_effect=[Unavailable(), nothing]))
    handover.arrive([freeze(handover, page)])
    assert page.closed_with() == close_codes.LOGIN_ENDED


def test_one_that_cannot_be_told_does_not_keep_the_others_from_it(
    chat: Chat, page: Page, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = chat.ask()
    page.open(sent.session_id)
    monkeypatch.setattr(chat.hub, "release", Mock(side_effect=ValueError("a fault of ours")))
    other = Page(chat)
    handover.arrive([freeze(handover, page), freeze(handover, other)])
    assert other.ask("ping")["type"] == "ok"
    while (event := page.line.receive())[0] == ws_frames.TEXT:
        pass
    assert int.from_bytes(event[1][:2], "big") == close_codes.RESTART
    other.close()


def test_text_that_another_process_has_shown_already_is_waited_for(
    chat: Chat, page: Page, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, sent = held_answer(chat, page)
    arrival = freeze(handover, page)
    run = chat.hub.live_run(sent.run_id)
    assert run is not None
    late = bytes(run.parts["text"].data)
    run.parts["text"].data.clear()
    gevent.spawn_later(0.05, run.append, 1, "text", 0, late)
    handover.arrive([arrival])
    gate.set()
    page.read_until("run.completed")
    assert page.transcript.text(sent.run_id) == "one two three"
    assert page.transcript.resets == {}


def test_an_epoch_that_never_comes_is_not_waited_for_long(
    chat: Chat, page: Page, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BEHIND_S", 0.05)
    gate, sent = held_answer(chat, page)
    cursor = next(iter(page.client.member.viewers[sent.session_id].cursors.values()))  # type: ignore[union-attr]
    cursor.epoch = 2
    handover.arrive([freeze(handover, page)])
    gate.set()
    assert "run.reset" in page.read_until("run.completed")


def test_commands_at_work_are_waited_for_and_no_more_are_taken(chat: Chat, page: Page, handover: Handover) -> None:
    idle = Page(chat)
    name = page.send("ping")
    with gevent.Timeout(5):
        while not page.client.queued:
            gevent.sleep(0)
    assert handover.quiet([page.conn, idle.conn]) == [page.conn, idle.conn]
    assert page.event()["id"] == name
    later = page.send("ping")
    gevent.sleep(0.05)
    handover.arrive([freeze(handover, page)])
    assert page.event()["id"] == later
    idle.close()


def test_a_command_that_does_not_end_keeps_its_connection_here(
    page: Page, handover: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "QUIET_S", 0.05)
    page.client.queued = True
    assert handover.quiet([page.conn]) == []
