"""Whatever dies in between, the reader reads on."""

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.support.server import Server

STREAM = "count:300@60"
WHOLE = "".join(f"{number} " for number in range(300))


def test_a_reload_in_mid_answer_loses_and_doubles_nothing(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering("10 11")
    desk.reload()
    desk.assert_answering("10 11")

    desk.assert_answer(WHOLE.strip())
    assert desk.copy_answer() == WHOLE


def test_a_server_that_dies_in_mid_answer_comes_back_and_finishes_it(
    device: MakeDevice, email: str, mortal_house: Server
) -> None:
    desk = device(at=mortal_house)
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering("30 31")
    mortal_house.kill9()
    mortal_house.restart()

    desk.assert_answer(WHOLE.strip())
    assert desk.copy_answer() == WHOLE


def test_a_message_written_while_the_server_is_away_is_kept_and_sent(
    device: MakeDevice, email: str, mortal_house: Server
) -> None:
    desk = device(at=mortal_house)
    desk.sign_up(email)
    desk.send_message("echo:first")
    desk.assert_answer("first")
    mortal_house.kill9()
    desk.send_message("echo:second")
    expect(desk.status).to_contain_text("your message is kept")
    mortal_house.restart()

    desk.assert_answer("second")
    expect(desk.page.locator(".turn.user")).to_have_count(2)


def test_an_answer_that_failed_says_why_and_can_be_asked_for_again(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("oops:5")

    expect(desk.page.get_by_role("button", name="Try again")).to_be_visible()
    desk.assert_answer("0 1 2 3 4")
