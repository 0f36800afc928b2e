"""What stands above the page (dialogs, menus, the drawer) goes with its person, and keeps nothing below from use."""

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.browser.stories import end_elsewhere
from tests.support.device import Device

WITHOUT_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined })"


def _account(desk: Device) -> None:
    desk.page.locator("button.account").click()
    desk.page.get_by_role("menuitem", name="Account", exact=True).click()
    expect(desk.page.get_by_role("dialog", name="Account", exact=True)).to_be_visible()


def test_a_question_that_is_open_goes_when_the_sign_in_ends_elsewhere(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("echo:canary")
    desk.assert_answer("canary")
    desk.page.get_by_role("button", name="More about this chat").click()
    desk.page.get_by_role("menuitem", name="Delete").click()
    expect(desk.page.get_by_role("dialog", name="Delete this chat?")).to_be_visible()
    end_elsewhere(desk, email)
    expect(desk.page.get_by_text("Your sign-in has ended")).to_be_visible()

    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    desk.page.get_by_label("Email").fill(email)


def test_a_fault_of_the_page_is_told_above_an_open_dialog(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    _account(desk)
    desk.page.evaluate("() => void setTimeout(() => { throw new Error('a fault of the page') })")
    expect(desk.page.get_by_text("Something on this page broke")).to_be_visible()
    desk.page.get_by_role("button", name="Go on").click()

    expect(desk.page.get_by_role("button", name="Devices")).to_be_visible()
    assert desk.faults.pop() == "a fault of the page"


def test_keys_are_copied_from_the_dialog_where_there_is_no_clipboard_api(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.page.add_init_script(WITHOUT_CLIPBOARD)
    desk.sign_up(email)
    _account(desk)
    desk.page.get_by_role("button", name="Second factor").click()
    desk.page.locator("#account-factor-password").fill("correct horse battery staple")
    desk.page.get_by_role("button", name="Set it up").click()
    secret = desk.page.locator(".secret").inner_text().replace(" ", "")
    desk.page.get_by_role("button", name="Copy the key").click()
    expect(desk.page.get_by_text("Copied", exact=True)).to_be_visible()
    expect(desk.page.get_by_role("button", name="Copy the key")).to_be_focused()
    code = desk.page.get_by_label("Code of the app", exact=True)
    code.focus()
    code.press("ControlOrMeta+v")

    expect(code).to_have_value(secret)


def test_a_page_that_grows_wide_while_the_drawer_is_open_can_be_used(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.page.set_viewport_size({"width": 700, "height": 900})
    desk.sign_up(email)
    desk.page.get_by_role("button", name="Open the list of chats").click()
    desk.page.set_viewport_size({"width": 1200, "height": 700})
    desk.send_message("echo:turned around")

    desk.assert_answer("turned around")
