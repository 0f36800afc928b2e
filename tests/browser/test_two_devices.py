"""One person, two devices, one answer."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.browser.stories import WHOLE, begun
from tests.support.model_process import counted

SHORT = "count:20@50"


def test_two_devices_watch_one_answer_and_hold_the_same_bytes(device: MakeDevice, email: str) -> None:
    desk, phone = begun(device(), email, "5 6"), device()
    phone.sign_in(email, path=desk.page.url.removeprefix(desk.url))
    phone.assert_answering("20 21")

    for each in (desk, phone):
        each.assert_answer(WHOLE.strip())
    assert desk.copy_answer() == phone.copy_answer() == WHOLE


def test_an_answer_is_stopped_from_the_other_device(device: MakeDevice, email: str) -> None:
    desk, phone = begun(device(), email, "5 6"), device()
    phone.sign_in(email, path=desk.page.url.removeprefix(desk.url))
    phone.stop()

    expect(desk.status).to_contain_text("Answer stopped")
    cut_short = re.compile(r"^0 1 2 3 4 5 6[ \d]*$")
    desk.assert_answer(cut_short)
    phone.assert_answer(cut_short)
    assert desk.copy_answer() == phone.copy_answer() != WHOLE


def test_a_new_chat_is_listed_on_the_other_device_without_a_reload(device: MakeDevice, email: str) -> None:
    desk, phone = device(), device()
    desk.sign_up(email)
    phone.sign_in(email)
    desk.send_message(SHORT)

    expect(phone.page.locator("a.session-link")).to_have_count(1)
    phone.page.locator("a.session-link").click()
    phone.assert_answer(counted(20).strip())
