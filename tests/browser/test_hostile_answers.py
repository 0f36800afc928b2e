"""Checks 26 to 28 and 33 in the browser: what a hostile model says, a character at a time, is text and nothing more."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support import hostile
from tests.support.device import ANSWER_TIMEOUT_MS, Device
from tests.support.server import Server
from tests.support.watching import Watch, watching

TABS = 6
CHARS_PER_S = 200
OURS = {"hello", "session.open", "session.close", "message.send", "ping", "auth.refresh"}
# What runs in the page is in tests/support/watch.js.
KEPT, SAME, SPELLED = "() => watched.kept()", "(text) => watched.isSame(text)", "(texts) => watched.spell(texts)"
SEEN = "() => watched.seen"


@dataclass(frozen=True, slots=True)
class Streamed:
    """All payloads as answers in one browser: their tabs, and what was asked for and kept."""

    watch: Watch
    house: Server
    context: BrowserContext
    tabs: list[Page]
    texts: list[str]
    kept: list[str]
    email: str


@pytest.fixture(scope="module")
def watch(chromium: Browser) -> Iterator[Watch]:
    """A browser that is watched."""
    with watching(chromium) as made:
        yield made


@pytest.fixture(scope="module")
def streamed(watch: Watch, house: Server) -> Streamed:
    """Every payload has been streamed, several answers at once."""
    context, texts, email = watch.context(), hostile.answers(TABS), "hostile-reader@example.org"
    tabs = [context.new_page() for _ in texts]
    Device(tabs[0], house.url, watch.faults).sign_up(email)
    for tab, text in zip(tabs, texts, strict=True):
        _ask(tab, house.url, f"spell:{text}@{CHARS_PER_S}")
    kept = [tab.evaluate(KEPT) for tab in tabs]
    return Streamed(watch, house, context, tabs, texts, kept, email)


def _ask(tab: Page, url: str, text: str) -> None:
    tab.goto(url)
    composer = tab.get_by_label("Message", exact=True)
    composer.fill(text)
    composer.press("Enter")
    expect(tab.locator(".turn.assistant.streaming .turn-body")).not_to_be_empty(timeout=ANSWER_TIMEOUT_MS)


def test_sec_26_every_payload_was_said_and_kept_as_it_is(streamed: Streamed) -> None:
    assert streamed.kept == streamed.texts
    assert sum(map(len, streamed.texts)) > 15_000


def test_sec_26_no_script_ran_and_nothing_but_text_and_known_markup_was_ever_on_the_page(streamed: Streamed) -> None:
    assert [seen for tab in streamed.tabs for seen in tab.evaluate(SEEN)] == []
    assert streamed.watch.faults == []


def test_sec_26_what_streamed_is_what_the_whole_answer_gives_at_once(streamed: Streamed) -> None:
    for tab, text in zip(streamed.tabs, streamed.kept, strict=True):
        assert tab.evaluate(SAME, text) is True


def test_sec_26_each_payload_is_harmless_after_every_single_character(streamed: Streamed) -> None:
    texts = [*hostile.payloads(), *hostile.naughty()]
    told = streamed.tabs[0].evaluate(SPELLED, texts)
    assert told == {"steps": sum(map(len, texts)), "faults": []}
    assert streamed.tabs[0].evaluate(SEEN) == []


def test_sec_27_nothing_was_asked_of_anybody_but_our_server(streamed: Streamed) -> None:
    assert streamed.watch.leaks(streamed.house.url) == []
    assert streamed.watch.canary.heard == []
    assert len(streamed.watch.requests) > TABS


def test_sec_27_no_page_went_anywhere(streamed: Streamed) -> None:
    own = (f"{streamed.house.url}/", "about:blank")
    assert [url for url in streamed.watch.navigations if not url.startswith(own)] == []
    assert len(streamed.context.pages) == TABS


def test_sec_33_commands_in_an_answer_are_never_sent(streamed: Streamed) -> None:
    assert set(streamed.watch.commands) <= OURS
    assert streamed.watch.commands.count("message.send") == TABS


def test_sec_26_another_device_shows_the_same_question_and_answer(streamed: Streamed) -> None:
    context = streamed.watch.context()
    phone = Device(context.new_page(), streamed.house.url, streamed.watch.faults)
    phone.sign_in(streamed.email)
    for tab, text in list(zip(streamed.tabs, streamed.kept, strict=True))[::2]:
        phone.page.goto(tab.url)
        phone.page.evaluate(KEPT)
        assert phone.page.evaluate(SAME, text) is True
        question = phone.page.locator(".turn.user .turn-body")
        assert question.evaluate("(bubble) => [bubble.textContent, bubble.childElementCount]") == [
            f"spell:{text}@{CHARS_PER_S}", 0]  # fmt: skip
        assert phone.page.evaluate(SEEN) == []
    context.close()
    assert streamed.watch.faults == []


def test_sec_26_a_reload_without_a_network_shows_the_same_and_asks_nobody(streamed: Streamed) -> None:
    tab, text = streamed.tabs[-1], streamed.kept[-1]
    tab.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    streamed.context.set_offline(True)
    tab.reload()
    expect(tab.locator(".turn.assistant")).to_have_count(1)
    assert tab.evaluate(SAME, text) is True
    assert tab.evaluate(SEEN) == []
    streamed.context.set_offline(False)
    assert streamed.watch.canary.heard == []


def test_the_watch_notices_what_it_is_there_for(watch: Watch) -> None:
    context = watch.context()
    page, before = context.new_page(), len(watch.requests)
    page.goto("about:blank")
    page.set_content("<div class=prose>" + "\n".join(hostile.themes()["loads"]) + "<script>alert(1)</script></div>")
    page.wait_for_timeout(500)
    seen = json.dumps(page.evaluate(SEEN))
    assert "alert" in seen
    assert "element" in seen
    assert len(watch.leaks("http://nowhere")) > 5
    assert watch.canary.heard != []
    assert len(watch.requests) > before
    context.close()
