"""A session gets its name from the first exchange, once, and never over a person's own."""

import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, MakeChat
from zgpt.chat.actions import delete_session, rename_session
from zgpt.chat.models import ChatSession
from zgpt.core.db import db
from zgpt.core.errors import Unavailable
from zgpt.llm.base import Prompt, ProviderError
from zgpt.llm.scripted import Break, Hold, Say
from zgpt.runs import titles
from zgpt.runs.titles import ASK, clean_title, title_of_question


def _asks_for_title(prompt: Prompt) -> bool:
    return prompt.messages[-1].text == ASK


@pytest.fixture
def chat(make_chat: MakeChat) -> Chat:
    return make_chat(LLM_TITLES="true")


def _title(chat: Chat, session_id: str) -> str:
    return chat.row(ChatSession, session_id).title


def _titled(chat: Chat, session_id: str) -> str:
    chat.wait(lambda: _title(chat, session_id))
    return _title(chat, session_id)


def test_the_model_names_the_session_after_the_first_exchange(chat: Chat) -> None:
    chat.provider.script(Say("Bees dance.\n"), when=lambda prompt: not _asks_for_title(prompt))
    chat.provider.script(Say('"How bees', ' talk."'), when=_asks_for_title)
    sent = chat.ask("How do bees talk?")
    assert _titled(chat, sent.session_id) == "How bees talk"
    asked = chat.provider.prompts[-1].messages
    assert [turn.text for turn in asked] == ["How do bees talk?", "Bees dance.\n", ASK]
    assert chat.row(ChatSession, sent.session_id).title_source == "model"


def test_the_name_is_told_to_all_devices(chat: Chat) -> None:
    device = chat.device()
    sent = chat.ask("Hi")
    title = _titled(chat, sent.session_id)
    chat.wait(lambda: any(event["session"]["title"] == title for event in device.seen))


@pytest.mark.parametrize("said", [Say("\n"), Break(ProviderError("provider_failed", "No.", False)), Say("word " * 40)])
def test_without_a_usable_name_the_question_gives_one(chat: Chat, said: Say | Break) -> None:
    chat.provider.script(said, when=_asks_for_title)
    sent = chat.ask("How do bees talk?")
    assert _titled(chat, sent.session_id) == "How do bees talk?"


def test_a_session_with_a_name_is_not_named_again(chat: Chat) -> None:
    sent = chat.ask("One")
    first = _titled(chat, sent.session_id)
    asked = len(chat.provider.prompts)
    chat.ask("Two", sent.session_id)
    chat.wait(lambda: len(chat.provider.prompts) == asked + 1)
    assert _title(chat, sent.session_id) == first


def test_a_persons_name_for_it_is_never_replaced(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Hold(gate), Say("A model's name"), when=_asks_for_title)
    sent = chat.ask("One")
    chat.provider.wait_asked(2)
    chat.do(rename_session, chat.person.id, sent.session_id, "Mine")
    gate.set()
    chat.provider.streams[1].done.wait(5)
    chat.ask("Two", sent.session_id)
    assert (_title(chat, sent.session_id), chat.row(ChatSession, sent.session_id).title_source) == ("Mine", "person")


def test_a_name_given_by_a_person_just_before_ours_is_stored_stays(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = chat.ask("One")
    _titled(chat, sent.session_id)
    device = chat.device()
    monkeypatch.setattr(titles, "set_title", lambda *_: False)
    with chat.app.app_context():
        db.session.get_one(ChatSession, sent.session_id).title_source = "none"
        db.session.commit()
        titles._store(sent.session_id, "Ours")
    assert device.seen == []


def test_a_name_whose_turn_is_cancelled_is_made_of_the_question(make_chat: MakeChat) -> None:
    chat, gate = make_chat(LLM_TITLES="true", LLM_CONCURRENCY="1"), Event()
    chat.provider.script(Say("x"), Hold(gate), when=lambda prompt: prompt.messages[-1].text == "Long")
    first = chat.send("How do bees talk?")
    chat.send("Long")
    chat.wait(lambda: chat.run(first.run_id).status == "completed")
    slots = chat.runner._slots
    chat.wait(lambda: slots.waiting)
    slots.cancel(f"title:{first.run_id}")
    assert _titled(chat, first.session_id) == "How do bees talk?"
    gate.set()
    chat.settle()


def test_a_session_deleted_meanwhile_stays_without_a_name(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Hold(gate), Say("A name"), when=_asks_for_title)
    sent = chat.ask("One")
    chat.provider.wait_asked(2)
    chat.do(delete_session, chat.person.id, sent.session_id)
    gate.set()
    chat.provider.streams[1].done.wait(5)
    chat.ask("Elsewhere")
    assert _title(chat, sent.session_id) == ""


def test_a_stopped_or_failed_answer_asks_for_no_name(chat: Chat) -> None:
    chat.provider.script(Say("x"), Break(ProviderError("provider_failed", "No.", True)))
    chat.ask("One")
    assert len(chat.provider.prompts) == 1


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("broken")], ids=["away", "broken"])
def test_a_name_that_cannot_be_stored_is_made_after_the_next_answer(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    faults, real = [fault], titles._store

    def store(session_id: str, title: str) -> None:
        if faults:
            raise faults.pop()
        real(session_id, title)

    monkeypatch.setattr(titles, "_store", store)
    sent = chat.ask("One")
    chat.wait(lambda: not faults)
    assert _title(chat, sent.session_id) == ""
    chat.ask("Two", sent.session_id)
    assert _titled(chat, sent.session_id)


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("How bees talk", "How bees talk"),
        ('  Title: "How bees talk."\nIt is about bees', "How bees talk"),
        ("# **Bees**", "Bees"),
        ("\n\nBees\u2028", "Bees"),
        ("Über Bienen 🐝", "Über Bienen 🐝"),
        ("", ""),
        ("x", ""),
        ("   \n  ", ""),
        ("word " * 20, ""),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("Here is a possible title:", ""),
        ("Our conversation", ""),
    ],
)
def test_what_a_model_says_becomes_a_title_or_nothing(said: str, title: str) -> None:
    assert clean_title(said) == title


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do\n\tbees talk?", "How do bees talk?"),
        ("word " * 30, "word " * 10 + "word…"),
        ("x" * 100, "x" * 59 + "…"),
        ("a\u202eb", "a b"),
    ],
)
def test_a_question_gives_its_first_words(question: str, title: str) -> None:
    assert title_of_question(question) == title
    assert len(title_of_question(question)) <= titles.TITLE_CHARS
