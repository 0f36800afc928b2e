"""Nobody is kept out: axe-core finds nothing serious on the main screens, in both themes, on a desk and on a phone."""

import json
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeDevice
from tests.support.people import PASSWORD
from tests.support.tree import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# What is wrong and bad enough, with the places; motion has ended, so that no colour is looked at half-way.
LOOK = """async () => {
  await Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {})));
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary: how }) => `${id}: ${target.join(' ')} ${how}`));
}"""
ANSWER = """echo:# A heading

Words with a [link](https://example.org/x), `code` and **weight**.

```python
def double(number: int) -> int:
    \"\"\"Twice as much.\"\"\"
    return number * 2  # a comment that is long enough to be pushed aside on a phone, and on a desk as well, so it is
```

| Name | Value | A column with a long heading | Another column with a long heading | And one more of them |
|:--|--:|---|---|---|
| one | 1 | unbroken-unbroken-unbroken | unbroken-unbroken-unbroken | unbroken-unbroken-unbroken |

> A quotation."""
SECTIONS = ("Usage", "Devices", "Password", "Second factor", "Email", "API keys", "Your data")
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
Theme = Literal["light", "dark"]


def _assert_open_to_all(page: Page) -> None:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    assert page.evaluate(LOOK) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_main_screens_keep_nobody_out(device: MakeDevice, email: str, size: str, theme: Theme) -> None:
    desk = device()
    page = desk.page
    page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(desk.url)
    page.get_by_role("button", name="New here?").wait_for()
    _assert_open_to_all(page)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Type your password")).to_be_visible()
    _assert_open_to_all(page)

    desk.sign_up(email)
    _assert_open_to_all(page)
    desk.composer.fill(ANSWER)
    desk.composer.press("Enter")
    expect(page.locator(".turn.assistant:not(.streaming) table")).to_be_visible()
    expect(page.locator(".hljs-comment")).to_be_visible()
    _assert_open_to_all(page)

    if size == "phone":
        page.get_by_role("button", name="Open the list of chats").click()
    page.locator("button.account").click()
    _assert_open_to_all(page)
    page.get_by_role("menuitem", name="Account", exact=True).click()
    dialog = page.get_by_role("dialog", name="Account", exact=True)
    for section in SECTIONS:
        dialog.get_by_role("button", name=section, exact=True).click()
        expect(dialog.get_by_role("heading", level=3)).to_have_text(section)
        expect(dialog.get_by_text("Loading…")).to_have_count(0)
        _assert_open_to_all(page)

    dialog.get_by_role("button", name="Second factor", exact=True).click()
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Set it up", exact=True).click()
    expect(dialog.locator("canvas")).to_be_visible()
    _assert_open_to_all(page)


def test_the_list_of_what_is_looked_for_is_not_empty(device: MakeDevice) -> None:
    desk = device()
    desk.page.goto(desk.url)
    desk.page.evaluate(AXE.read_text())
    desk.page.evaluate("() => document.body.append(document.createElement('button'))")
    found = json.dumps(desk.page.evaluate(LOOK))

    assert "button-name" in found
