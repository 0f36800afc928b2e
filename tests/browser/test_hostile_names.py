"""Check 26 for what people and models call things: titles, names, questions and reasoning are text on every page."""

import json
import uuid
from typing import Any
from urllib.request import Request

import pytest
from playwright.sync_api import Browser, expect

from tests.support import hostile
from tests.support.device import Device
from tests.support.people import PASSWORD
from tests.support.server import Server
from tests.support.watching import watching
from tests.support.web import fetched

TITLE_CHARS, NAME_CHARS = 200, 100
TITLES = 30
NAMED = (
    "() => [...document.querySelectorAll('.session-link')].map((link) => [link.textContent, link.childElementCount])"
)


def _ask(house: Server, method: str, path: str, body: object, token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = Request(f"{house.url}/api/v1{path}", json.dumps(body).encode(), headers, method=method)
    with fetched(request, 10) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_sec_26_titles_and_names_are_text_wherever_they_are_shown(chromium: Browser, house: Server) -> None:
    email, lines = f"{uuid.uuid4().hex[:12]}@example.org", hostile.lines(TITLE_CHARS)
    name = "<img src=x onerror=alert(1)>"
    token = _ask(house, "POST", "/auth/signup", {"email": email, "password": PASSWORD, "name": name})["access_token"]
    titles = [lines[at * len(lines) // TITLES] for at in range(TITLES)]
    for title in titles:
        made = _ask(house, "POST", "/sessions", {}, token)
        _ask(house, "PATCH", f"/sessions/{made['id']}", {"title": title}, token)
    with watching(chromium) as watch:
        desk = Device(watch.context().new_page(), house.url, watch.faults)
        desk.sign_in(email)
        expect(desk.page.locator(".account-name")).to_have_text(name)
        expect(desk.page.locator(".session-link").first).to_be_visible()
        shown = desk.page.evaluate(NAMED)
        assert [children for _, children in shown] == [0] * len(shown)
        assert {title for title, _ in shown} <= set(titles)
        assert len(shown) == TITLES
        for title in titles[-3:]:
            desk.page.locator(".session-link").get_by_text(title, exact=True).click()
            expect(desk.page.locator(".conversation-title")).to_have_text(title)
        assert desk.page.evaluate("() => watched.seen") == []
        assert watch.faults == []
        assert watch.canary.heard == []
        assert watch.leaks(house.url) == []


@pytest.mark.parametrize("name", [line for line in hostile.lines(NAME_CHARS) if "<" in line][::60])
def test_sec_26_a_name_is_kept_as_it_was_given_or_refused_in_words(house: Server, name: str) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    made = _ask(house, "POST", "/auth/signup", {"email": email, "password": PASSWORD, "name": name})
    assert made["user"]["name"] == name
