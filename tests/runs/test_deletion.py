"""What is deleted while its answer is written is gone everywhere, and nobody goes on writing it."""

from gevent.event import Event

from tests.runs.conftest import Chat, MakeChat
from zgpt.chat.actions import delete_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.llm.scripted import Hold, Say
from zgpt.runs.models import Run


def _nothing_is_live(chat: Chat) -> bool:
    return not (chat.hub._runs or chat.hub._runs_of or chat.runner.active())


def test_a_session_deleted_while_streaming_leaves_no_live_run_behind(any_chat: Chat) -> None:
    chat = any_chat
    chat.provider.script(Say("secret"), Hold(Event()))
    sent = chat.send()
    link = chat.view(sent.session_id)
    chat.wait(lambda: "run.delta" in link.types)
    chat.do(delete_session, chat.person.id, sent.session_id)
    chat.settle()
    assert _nothing_is_live(chat)
    assert chat.provider.streams[0].cancelled
    assert (chat.run(sent.run_id).status, chat.run(sent.run_id).text_kept) == ("stopped", "")
    assert "run.completed" not in link.types
    assert chat.row(Message, chat.run(sent.run_id).message_id).text == ""


def test_a_session_deleted_while_its_run_waits_frees_its_place(make_chat: MakeChat) -> None:
    chat = make_chat(LLM_CONCURRENCY="1")
    gate = Event()
    chat.provider.script(Say("x"), Hold(gate))
    first = chat.send()
    waiting = chat.send()
    chat.wait(lambda: chat.runner._slots.waiting)
    chat.do(delete_session, chat.person.id, waiting.session_id)
    chat.wait(lambda: len(chat.runner.active()) == 1)
    gate.set()
    chat.settle()
    assert _nothing_is_live(chat) or set(chat.hub._runs) == {first.run_id}
    assert len(chat.provider.streams) == 1


def test_a_deleted_session_is_told_to_all_devices_of_the_user(chat: Chat) -> None:
    sent = chat.ask()
    device = chat.device()
    chat.do(delete_session, chat.person.id, sent.session_id)
    assert device.seen == [
        {
            "type": "session.deleted",
            "session_id": sent.session_id,
            "user_revision": chat.row(ChatSession, sent.session_id).user_revision,
        }
    ]


def test_an_account_deleted_while_streaming_stops_its_runs_and_closes_its_sockets(any_chat: Chat) -> None:
    chat = any_chat
    chat.provider.script(Say("secret"), Hold(Event()))
    sent = chat.send()
    link = chat.view(sent.session_id)
    chat.wait(lambda: "run.delta" in link.types)
    body = {"password": chat.person.password}
    answer = chat.person.client.delete("/api/v1/auth/me", json=body, headers=chat.person.headers)
    assert answer.status_code == 204, answer.get_data(as_text=True)
    chat.settle()
    assert link.closed_with == 4501
    assert _nothing_is_live(chat)
    assert chat.provider.streams[0].cancelled
    with chat.app.app_context():
        assert db.session.get(Run, sent.run_id) is None


def test_a_session_deleted_after_its_answer_keeps_no_words(chat: Chat) -> None:
    sent = chat.ask("private")
    chat.do(delete_session, chat.person.id, sent.session_id)
    run = chat.run(sent.run_id)
    assert chat.row(Message, sent.message_id).text == ""
    assert chat.row(Message, run.message_id).text == ""
    assert (run.text_kept, run.reasoning_kept) == ("", "")
