"""What a second opinion does to prompts and answers, and what happens when there is none."""

from pathlib import Path

import pytest
from gevent.event import Event

from tests.moderation.conftest import adviser_server, policy_path
from tests.runs.conftest import Chat, MakeChat
from tests.runs.test_moderated import answer, audited, stored
from tests.support.adviser_process import AdviserServer
from zgpt.core.errors import Problem
from zgpt.llm.scripted import Hold, Say

__all__ = ["adviser_server", "policy_path"]


def second(make_chat: MakeChat, path: Path, url: str, **env: str) -> Chat:
    return make_chat(MODERATION_POLICY=str(path), MODERATION_URL=url, MODERATION_TIMEOUT_S="1", **env)


def test_a_second_opinion_blocks_helps_or_lets_through_prompts(
    make_chat: MakeChat, policy_path: Path, adviser_server: AdviserServer
) -> None:
    chat = second(make_chat, policy_path, adviser_server.url)
    chat.ask("A fine day")
    with pytest.raises(Problem, match="rules"):
        chat.send("a bad one")
    sent = chat.ask("bad, help me")
    assert stored(chat)[::2] == ["A fine day", "bad, help me"]
    assert sent.notice is None  # this policy has no words of help
    assert [(line["action"], line["rule"]) for line in audited(chat)] == [
        ("block", "opinion:violence"), ("flag", "opinion:self-harm/intent+violence")
    ]  # fmt: skip


@pytest.mark.parametrize("fails", ["open", "closed"])
def test_without_a_second_opinion_the_setting_decides(
    make_chat: MakeChat, policy_path: Path, adviser_server: AdviserServer, fails: str
) -> None:
    chat = second(make_chat, policy_path, adviser_server.url, MODERATION_FAIL=fails)
    chat.provider.script(Say("this will fail"))
    if fails == "closed":
        with pytest.raises(Problem, match="rules"):
            chat.send("garbage")
    sent = chat.ask("garbage" if fails == "open" else "Hi")
    assert chat.run(sent.run_id).error_code == (None if fails == "open" else "blocked")
    assert answer(chat, sent) == "this will fail"


def test_a_second_opinion_stops_an_answer_that_streams(
    make_chat: MakeChat, policy_path: Path, adviser_server: AdviserServer
) -> None:
    chat = second(make_chat, policy_path, adviser_server.url)
    chat.provider.script(Say("a bad thing. ", *["word "] * 200), Hold(Event()))
    sent = chat.ask("Hi")
    run = chat.run(sent.run_id)
    assert (run.status, run.error_code) == ("failed", "blocked")
    chat.wait(lambda: audited(chat))
    assert audited(chat)[0]["rule"] == "opinion:violence"


def test_the_end_of_an_answer_waits_for_its_last_opinion(
    make_chat: MakeChat, policy_path: Path, adviser_server: AdviserServer
) -> None:
    chat = second(make_chat, policy_path, adviser_server.chat_url)
    chat.provider.script(Say("fine words"))
    chat.provider.script(Say("a bad thing"))
    first, last = chat.ask("Hi"), chat.ask("Hi")
    assert chat.run(first.run_id).status == "completed"
    assert chat.run(last.run_id).error_code == "blocked"


def test_windows_of_a_long_answer_overlap_and_cover_all_of_it(
    make_chat: MakeChat, policy_path: Path, adviser_server: AdviserServer
) -> None:
    chat = second(make_chat, policy_path, adviser_server.url)
    words = [f"w{at} " for at in range(600)]
    chat.provider.script(Say(*words, every_s=0.0005))
    before = len(adviser_server.asked())
    sent = chat.ask("Hi there")
    assert chat.run(sent.run_id).status == "completed"
    windows = [text for text in adviser_server.asked()[before:] if text.startswith("w") or " w" in text]
    assert len(windows) > 2
    assert all(any(word.strip() in window.split() for window in windows) for word in words)
