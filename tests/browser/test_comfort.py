"""Reading and writing in comfort: by keyboard, by ear, on a phone, and while more text arrives."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeDevice

STREAM = "count:2000@400"
PHONE = {"width": 390, "height": 844}


def _scroll_top(page: Page) -> float:
    return float(page.get_by_role("region", name="Conversation").evaluate("(scroller) => scroller.scrollTop"))


def test_reading_further_up_is_not_disturbed_by_text_that_arrives(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.page.set_viewport_size({"width": 800, "height": 400})
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering("700 701")
    scroller = desk.page.get_by_role("region", name="Conversation")
    scroller.evaluate("(scroller) => scroller.scrollBy({ top: -200, behavior: 'instant' })")
    expect(desk.page.get_by_role("button", name="Jump to the latest")).to_be_visible()
    before = _scroll_top(desk.page)
    desk.assert_answering("1200 1201")

    assert _scroll_top(desk.page) == before


def test_the_page_follows_the_answer_for_a_reader_at_the_end(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.page.set_viewport_size({"width": 800, "height": 400})
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering("700 701")
    early = _scroll_top(desk.page)
    desk.assert_answering("1400 1401")

    assert _scroll_top(desk.page) > early
    expect(desk.page.get_by_role("button", name="Jump to the latest")).to_be_hidden()


def test_escape_stops_the_answer(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering("5 6")
    desk.page.keyboard.press("Escape")

    expect(desk.status).to_contain_text("Answer stopped")


def test_a_finished_answer_is_announced_to_those_who_listen(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("echo:the words")
    desk.assert_answer("the words")

    expect(desk.page.locator("[aria-live=polite]").filter(has_text="Answer finished. the words")).to_have_count(1)


def test_nothing_is_wider_than_a_phone(device: MakeDevice, email: str) -> None:
    phone = device()
    phone.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    phone.sign_up(email)
    phone.send_message("echo:" + "unbroken" * 60)
    phone.assert_answer("unbroken" * 60)

    assert phone.page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    expect(phone.composer).to_be_in_viewport()
