"""What a sign-out tells the browser (`Clear-Site-Data`) must not hurt the page that asked, nor another tab of it."""

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.support.device import Device


def test_after_a_sign_out_the_same_tab_and_another_one_go_on_working(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    tab = Device(desk.page.context.new_page(), desk.url, desk.faults)
    tab.page.goto(desk.url)
    expect(tab.composer).to_be_visible()

    with desk.page.expect_response(lambda answer: answer.url.endswith("/logout")) as told:
        desk.sign_out()
    assert told.value.header_value("clear-site-data") == '"cache"'

    desk.sign_in(email)
    desk.send_message("echo:still here")
    desk.assert_answer("still here")
    tab.reload()
    expect(tab.composer).to_be_visible()
    assert desk.page.evaluate("() => navigator.serviceWorker.ready.then((ready) => ready.active !== null)")
