"""What moderation does to what is stored and shown: prompts before they are, answers on their way."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from gevent.event import Event
from sqlalchemy import select

from tests.moderation.conftest import policy_path
from tests.runs.conftest import Chat, MakeChat, new_name
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.core.errors import Problem, Unavailable
from zgpt.core.models import AuditEvent
from zgpt.llm.base import ProviderError
from zgpt.llm.scripted import Break, Hold, Say, think
from zgpt.realtime.live import RunHead
from zgpt.runs import actions, moderated
from zgpt.runs.titles import ASK

__all__ = ["answer", "audited", "policy_path", "stored"]
SPLIT = ("It is for", "bid", "den fr", "uit, eat it")


@pytest.fixture
def chat(make_chat: MakeChat, policy_path: Path) -> Chat:
    return make_chat(MODERATION_POLICY=str(policy_path))


def audited(chat: Chat) -> list[dict[str, Any]]:
    with chat.app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.kind == "moderated").order_by(AuditEvent.id))
        return [{"user_id": row.user_id, **row.detail} for row in rows]


def stored(chat: Chat) -> list[str]:
    with chat.app.app_context():
        return list(db.session.scalars(select(Message.text).order_by(Message.id)))


def answer(chat: Chat, sent: actions.Sent) -> str:
    run = chat.run(sent.run_id)
    return chat.row(Message, run.message_id).text


def test_a_blocked_prompt_leaves_nothing_but_an_audited_decision_without_its_text(chat: Chat) -> None:
    with pytest.raises(Problem) as fault:
        chat.send("where is the F0rbidden fruit?")

    assert (fault.value.code, fault.value.status, fault.value.retryable) == ("blocked", 422, False)
    assert stored(chat) == []
    with chat.app.app_context():
        assert db.session.scalars(select(ChatSession)).all() == []
    (line,) = audited(chat)
    assert line | {"hmac_sha256": ""} == {
        "user_id": chat.person.id, "stage": "prompt", "action": "block", "category": "words", "rule": "words",
        "chars": 29, "hmac_sha256": "",
    }  # fmt: skip
    assert len(line["hmac_sha256"]) == 64
    assert chat.provider.prompts == []


def test_the_same_blocked_prompt_has_the_same_digest(chat: Chat) -> None:
    for _ in range(2):
        with pytest.raises(Problem):
            chat.send("snozz")
    assert len({line["hmac_sha256"] for line in audited(chat)}) == 1


def test_an_edit_is_judged_like_a_message(chat: Chat) -> None:
    sent = chat.ask("Hi")
    with pytest.raises(Problem) as fault:
        chat.do(actions.edit_message, chat.person.id, sent.message_id, new_name(), "snozz")
    assert fault.value.code == "blocked"
    assert stored(chat) == ["Hi", "Hello."]


def test_a_redacted_prompt_is_stored_and_sent_without_what_was_removed(chat: Chat) -> None:
    sent = chat.ask("I am Zebedee, 12 34-56 78")
    assert chat.row(Message, sent.message_id).text == "I am #, ##"
    assert chat.provider.prompts[-1].messages[-1].text == "I am #, ##"
    assert {(line["action"], line["rule"], line["message_id"]) for line in audited(chat)} == {
        ("redact", "names", sent.message_id), ("redact", "numbers", sent.message_id)
    }  # fmt: skip


def test_a_flagged_prompt_is_stored_as_it_is_and_audited(chat: Chat) -> None:
    sent = chat.ask("an odd one")
    assert chat.row(Message, sent.message_id).text == "an odd one"
    assert [line["action"] for line in audited(chat)] == ["flag"]


def test_a_message_that_was_taken_once_is_not_judged_again(chat: Chat) -> None:
    name = new_name()
    first = chat.send("Hi", client_id=name)
    chat.settle()
    assert chat.send("snozz", client_id=name).message_id == first.message_id


def test_a_message_that_is_deleted_while_it_is_repeated_is_gone(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([actions.Sent("s", "m", "r", 1), None])
    monkeypatch.setattr(actions, "_sent_before", lambda *_: next(found))
    with pytest.raises(Problem) as fault:
        chat.send("Hi")
    assert fault.value.code == "not_found"


def test_a_blocked_answer_ends_as_failed_and_keeps_what_came_before(chat: Chat) -> None:
    chat.provider.script(Say(*SPLIT))
    sent = chat.ask("Hi")
    run = chat.run(sent.run_id)
    assert (run.status, run.error_code, run.error_retryable) == ("failed", "blocked", False)
    assert answer(chat, sent) == "It is "
    chat.wait(lambda: audited(chat))
    (line,) = audited(chat)
    assert (line["stage"], line["action"], line["rule"], line["run_id"]) == ("answer", "block", "words", sent.run_id)


def test_a_block_that_only_the_end_decides_is_one(chat: Chat) -> None:
    chat.provider.script(Say("It is ", "snozz"))
    sent = chat.ask("Hi")
    assert (chat.run(sent.run_id).error_code, answer(chat, sent)) == ("blocked", "It is ")


def test_what_was_held_back_is_shown_at_the_end(chat: Chat) -> None:
    chat.provider.script(think("hm, forbi"), Say("It is forbidden"))
    sent = chat.ask("Hi")
    message = chat.row(Message, chat.run(sent.run_id).message_id)
    assert (message.text, message.reasoning) == ("It is forbidden", "hm, forbi")


def test_an_answer_is_redacted_in_the_log_itself_and_audited_once_per_rule(chat: Chat) -> None:
    chat.provider.script(Say("I am Zeb", "edee, Zebed", "ee and max", "imum."))
    sent = chat.ask("Hi")
    assert answer(chat, sent) == "I am #, # and maximum."
    chat.wait(lambda: audited(chat))
    assert [line["rule"] for line in audited(chat)] == ["names"]


def test_viewers_are_sent_the_redacted_text_only(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Hold(gate), Say("I am Zeb", "edee."))
    sent = chat.send("Hi")
    page = chat.view(sent.session_id)
    gate.set()
    chat.settle()
    chat.wait(lambda: any(event["type"] == "run.completed" for event in page.seen))
    shown = "".join(event["text"] for event in page.seen if event["type"] == "run.delta")
    assert shown == "I am #."


def test_an_answer_that_breaks_off_shows_what_was_held_back_unless_it_is_blocked(chat: Chat) -> None:
    broken = Break(ProviderError("provider_cut", "It broke off.", True))
    chat.provider.script(Say("Well, ", "forbidden"), broken)
    chat.provider.script(Say("Well, ", "snozz"), broken)
    first, second = chat.ask("Hi"), chat.ask("Hi")
    assert (answer(chat, first), chat.run(first.run_id).error_code) == ("Well, forbidden", "provider_cut")
    assert (answer(chat, second), chat.run(second.run_id).error_code) == ("Well, ", "blocked")


@pytest.mark.parametrize(
    ("said", "shown", "code"),
    [("forbidden", "Well, forbidden", "provider_timeout"), ("snozz", "Well, ", "blocked")],
    ids=["harmless", "against the rules"],
)
def test_an_answer_that_stalls_shows_what_was_held_back_unless_it_is_blocked(
    make_chat: MakeChat, policy_path: Path, said: str, shown: str, code: str
) -> None:
    chat = make_chat(MODERATION_POLICY=str(policy_path), LLM_IDLE_TIMEOUT_S="0.2")
    chat.provider.script(Say("Well, ", said), Hold(Event()))
    sent = chat.ask("Hi")
    assert (answer(chat, sent), chat.run(sent.run_id).error_code) == (shown, code)


def test_what_was_only_held_back_is_no_reason_not_to_try_again(make_chat: MakeChat, policy_path: Path) -> None:
    chat = make_chat(MODERATION_POLICY=str(policy_path))
    chat.provider.script(Say("forbidden"), Break(ProviderError("provider_cut", "It broke off.", True)))
    chat.provider.script(Say("fruit"))
    sent = chat.ask("Hi")
    assert (chat.run(sent.run_id).status, answer(chat, sent)) == ("completed", "fruit")


def test_a_person_who_stops_keeps_what_was_shown(chat: Chat) -> None:
    chat.provider.script(Say("Well, ", "forbidden"), Hold(Event()))
    sent = chat.send("Hi")
    page = chat.view(sent.session_id)
    chat.wait(lambda: any(event["type"] == "run.delta" for event in page.seen))
    chat.do(actions.request_stop, chat.person.id, sent.run_id)
    chat.settle()
    assert (chat.run(sent.run_id).status, answer(chat, sent)) == ("stopped", "Well, ")


def titled(chat: Chat, sent: actions.Sent) -> str:
    chat.wait(lambda: chat.row(ChatSession, sent.session_id).title)
    return chat.row(ChatSession, sent.session_id).title


def test_a_title_is_moderated_too(make_chat: MakeChat, policy_path: Path) -> None:
    chat = make_chat(MODERATION_POLICY=str(policy_path), LLM_TITLES="true")
    for said in ("Snozz", "About Zebedee"):
        chat.provider.script(Say(said), when=lambda prompt: prompt.messages[-1].text == ASK)
    titles = [titled(chat, chat.ask("A question")) for _ in range(2)]
    assert titles == ["A question", "About #"]
    assert [(line["stage"], line["action"]) for line in audited(chat)] == [("title", "block"), ("title", "redact")]


def test_moderation_can_be_off(make_chat: MakeChat) -> None:
    chat = make_chat(MODERATION="off", LLM_TITLES="true")
    chat.provider.script(Say("AKIAABCDEFGHIJKLMNOP"))
    name = new_name()
    sent = chat.send("AKIAABCDEFGHIJKLMNOP", client_id=name)
    assert chat.send("AKIAABCDEFGHIJKLMNOP", client_id=name).notice is None
    chat.wait(lambda: chat.row(ChatSession, sent.session_id).title)
    assert stored(chat) == ["AKIAABCDEFGHIJKLMNOP"] * 2
    assert audited(chat) == []


@pytest.mark.parametrize(
    ("text", "words"), [("I want to kill myself", "988"), ("Ich will sterben.", "Telefonseelsorge")]
)
def test_who_writes_of_self_harm_is_answered_and_shown_help(make_chat: MakeChat, text: str, words: str) -> None:
    chat = make_chat()
    sent = chat.ask(text)
    assert sent.notice is not None
    assert words in sent.notice
    assert stored(chat) == [text, "Hello."]
    assert [line["category"] for line in audited(chat)] == ["self-harm"]


def test_help_comes_again_with_a_repeated_sending(make_chat: MakeChat) -> None:
    chat, name = make_chat(), new_name()
    first = chat.send("I want to die", client_id=name)
    assert chat.send("I want to die", client_id=name).notice == first.notice is not None
    chat.settle()


def test_a_policy_for_prompts_alone_leaves_answers_as_they_are(make_chat: MakeChat, tmp_path: Path) -> None:
    path = tmp_path / "prompts.yaml"
    path.write_text("version: 1\nrules:\n  - {id: a, category: c, action: block, applies_to: prompt, terms: [snozz]}\n")
    chat = make_chat(MODERATION_POLICY=str(path))
    chat.provider.script(Say("snozz"))
    assert answer(chat, chat.ask("Hi")) == "snozz"


def test_a_blocked_message_of_somebody_in_danger_carries_the_help_too(make_chat: MakeChat) -> None:
    with pytest.raises(Problem, match="988"):
        make_chat().send("I want to kill myself, tell me how to build a pipe bomb")


def test_a_decision_that_cannot_be_written_down_is_given_up_in_time(app: Flask) -> None:
    class Away:
        def persist(self, write: object, for_s: float | None = None) -> None:
            assert for_s == moderated.AUDIT_PATIENCE_S

    moderated._audit(Away(), RunHead("u", "s", "r", "m", 1), [])


def test_a_database_that_is_away_keeps_the_prompt_from_being_taken(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(moderated, "record", away)
    with pytest.raises(Unavailable):
        chat.send("snozz")
    assert stored(chat) == []
