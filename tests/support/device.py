"""One device of a person: a browser window, and the few words in which the stories are told."""

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.support.people import PASSWORD

LOOK_TIMEOUT_MS = 15_000
ANSWER_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Device:
    """A window of its own storage, at ``url``. ``faults`` collects what the page complains about."""

    page: Page
    url: str
    faults: list[str]

    @property
    def answer(self) -> Locator:
        """The text of the newest answer."""
        return self.page.locator(".turn.assistant .turn-body").last

    @property
    def composer(self) -> Locator:
        """Where the person writes."""
        return self.page.get_by_label("Message", exact=True)

    @property
    def status(self) -> Locator:
        """The line above the composer."""
        return self.page.get_by_role("status").first

    def sign_up(self, email: str) -> None:
        """Make an account, as a new person."""
        self.page.goto(self.url)
        self.page.get_by_role("button", name="New here?").click()
        self._fill_in(email, "Make account")

    def sign_in(self, email: str, path: str = "/") -> None:
        """Enter with an account that exists."""
        self.page.goto(self.url + path)
        self._fill_in(email, "Sign in")

    def sign_out(self) -> None:
        """Leave; the card for signing in is there again."""
        self.page.locator("button.account").click()
        self.page.get_by_role("menuitem", name="Sign out").click()
        expect(self.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()

    def send_message(self, text: str) -> None:
        """Write it and press Enter."""
        self.composer.fill(text)
        self.composer.press("Enter")
        expect(self.page.locator(".turn.user").last).to_contain_text(text)

    def open_chat(self, title: str | re.Pattern[str]) -> None:
        """Choose a chat from the list."""
        self.page.locator("a.session-link").filter(has_text=title).first.click()

    def stop(self) -> None:
        """Stop the answer that is being written."""
        self.page.locator("zg-composer").get_by_role("button", name="Stop the answer").click()

    def reload(self) -> None:
        """Load the page anew."""
        self.page.reload()

    def assert_answering(self, text: str) -> None:
        """The newest answer has got as far as ``text`` and goes on."""
        expect(self.answer).to_contain_text(text, timeout=ANSWER_TIMEOUT_MS)
        expect(self.page.locator(".turn.assistant.streaming")).to_have_count(1)

    def assert_answer(self, text: str | re.Pattern[str]) -> None:
        """The newest answer is finished and reads like this."""
        expect(self.page.locator(".turn.assistant").last).not_to_have_class(
            re.compile("streaming"), timeout=ANSWER_TIMEOUT_MS
        )
        expect(self.answer).to_have_text(text, timeout=LOOK_TIMEOUT_MS)

    def copy_answer(self) -> str:
        """What the copy button under the newest answer gives: the text byte by byte, before any rendering."""
        turn = self.page.locator(".turn.assistant").last
        turn.hover()
        turn.locator(".turn-actions").get_by_role("button", name="Copy", exact=True).click()
        return str(self.page.evaluate("() => navigator.clipboard.readText()"))

    def _fill_in(self, email: str, button: str) -> None:
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name=button, exact=True).click()
        expect(self.composer).to_be_visible(timeout=LOOK_TIMEOUT_MS)
