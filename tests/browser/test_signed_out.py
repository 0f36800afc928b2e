"""After a sign-out, from wherever it came, nothing of the conversation is left on the device or in the page."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.browser.stories import end_elsewhere
from tests.support.device import Device
from tests.support.people import PASSWORD

SAID, DRAFT, SEARCHED = "canary-of-the-answer", "canary-of-the-draft", "canary-of-the-search"
# Everything that this origin keeps, and the page itself, as one text.
REMAINS = """async () => {
  const found = [{ ...localStorage }, { ...sessionStorage }, history.state].map((kept) => JSON.stringify(kept));
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve) => {
      const open = indexedDB.open(name);
      open.onsuccess = () => resolve(open.result);
    });
    for (const store of database.objectStoreNames) {
      const asked = database.transaction(store).objectStore(store).getAll();
      await new Promise((resolve) => (asked.onsuccess = resolve));
      found.push(`${name}/${store}: ${JSON.stringify(asked.result)}`);
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) found.push(request.url, await (await cache.match(request)).text());
  }
  const typed = [...document.querySelectorAll('input, textarea')].map((box) => box.value);
  return [...found, ...typed, document.title, document.documentElement.outerHTML].join('\\n');
}"""
# As in a tab that is hidden: nothing is painted until it is let go.
SLEEP = """() => {
  const [frame, waiting] = [window.requestAnimationFrame, []];
  window.requestAnimationFrame = (paint) => waiting.push(paint);
  window.wake = () => { window.requestAnimationFrame = frame; waiting.forEach((paint) => frame(paint)); };
}"""
CACHES = "() => navigator.serviceWorker.ready.then(() => caches.keys())"


def _live_in(desk: Device, email: str) -> None:
    """A chat whose title, question, answer and kept copy all hold the canary, a draft and a search beside them."""
    desk.sign_up(email)
    desk.send_message(f"echo:{SAID}")
    desk.assert_answer(SAID)
    expect(desk.page.locator(".account-name")).not_to_be_empty()
    desk.composer.fill(DRAFT)
    desk.page.get_by_label("Find a chat").fill(SEARCHED)
    # The list is kept half a second after it has changed.
    desk.page.wait_for_function(f"async () => (await ({REMAINS})()).split({json.dumps(SAID)}).length > 4")
    assert desk.page.evaluate(CACHES) != []


def _here(desk: Device, _email: str) -> None:
    desk.sign_out()


@pytest.mark.parametrize("leave", [_here, end_elsewhere])
def test_sec_28_a_sign_out_empties_what_the_device_kept(
    device: MakeDevice, email: str, leave: Callable[[Device, str], None]
) -> None:
    desk = device()
    _live_in(desk, email)
    leave(desk, email)
    expect(desk.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(desk.page).to_have_title("Z-GPT")
    gone = f"async () => !/{SAID}|{DRAFT}|{SEARCHED}|{email}/.test(await ({REMAINS})())"
    desk.page.wait_for_function(gone)
    assert desk.page.evaluate("() => localStorage.length") == 0
    desk.reload()
    expect(desk.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert desk.page.evaluate(gone)


def test_sec_28_the_other_tab_of_the_browser_keeps_nothing_either(device: MakeDevice, email: str) -> None:
    desk = device()
    _live_in(desk, email)
    tab = Device(desk.page.context.new_page(), desk.url, desk.faults)
    tab.page.goto(desk.page.url)
    tab.assert_answer(SAID)
    desk.sign_out()
    expect(tab.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    for each in (desk, tab):
        each.page.wait_for_function(f"async () => !/{SAID}|{DRAFT}|{email}/.test(await ({REMAINS})())")


def test_sec_28_the_next_person_at_this_page_finds_nothing_of_the_last(device: MakeDevice, email: str) -> None:
    desk = device()
    _live_in(desk, email)
    desk.sign_out()
    desk.page.get_by_role("button", name="New here?").click()
    desk.page.get_by_label("Email").fill(f"next.{email}")
    desk.page.get_by_label("Password", exact=True).fill(PASSWORD)
    desk.page.get_by_role("button", name="Make account", exact=True).click()
    expect(desk.composer).to_be_visible()
    expect(desk.composer).to_have_value("")
    assert not {SAID, DRAFT, SEARCHED} & set(desk.page.evaluate(f"async () => (await ({REMAINS})()).split(/[^\\w-]+/)"))
    desk.send_message("echo:mine")
    desk.assert_answer("mine")


def test_sec_28_a_tab_that_slept_while_somebody_else_signed_in_keeps_nothing_either(
    device: MakeDevice, email: str
) -> None:
    desk = device()
    _live_in(desk, email)
    other = {"email": f"other{email}", "password": PASSWORD, "name": "Somebody else"}
    assert desk.page.context.request.post(f"{desk.url}/api/v1/auth/signup", data=other).ok
    end_elsewhere(desk, email)
    expect(desk.page.locator(".account-name")).to_have_text("Somebody else")
    desk.page.wait_for_function(f"async () => !/{SAID}|\\b{email}/.test(await ({REMAINS})())")


def test_sec_28_a_tab_that_painted_nothing_meanwhile_shows_nothing_of_the_last_person(
    device: MakeDevice, email: str
) -> None:
    desk = device()
    _live_in(desk, email)
    desk.page.locator("button.account").click()
    desk.page.get_by_role("menuitem", name="Account", exact=True).click()
    desk.page.evaluate(SLEEP)
    other = {"email": f"other{email}", "password": PASSWORD, "name": "Somebody else"}
    assert desk.page.context.request.post(f"{desk.url}/api/v1/auth/signup", data=other).ok
    end_elsewhere(desk, email)
    desk.page.wait_for_function(f"async () => (await ({REMAINS})()).includes('Somebody else')")
    desk.page.evaluate("() => window.wake()")
    expect(desk.page.locator(".account-name")).to_have_text("Somebody else")

    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    expect(desk.composer).to_have_value("")
    expect(desk.page.get_by_label("Find a chat")).to_have_value("")
