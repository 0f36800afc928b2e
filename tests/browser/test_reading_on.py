"""Whatever dies in between, the reader reads on."""

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.browser.stories import WHOLE, begun, write_while_away
from tests.support.server import Server


def test_a_reload_in_mid_answer_loses_and_doubles_nothing(device: MakeDevice, email: str) -> None:
    desk = begun(device(), email, "10 11")
    desk.reload()
    desk.assert_answering("10 11")

    desk.assert_answer(WHOLE.strip())
    assert desk.copy_answer() == WHOLE


def test_a_server_that_dies_in_mid_answer_comes_back_and_finishes_it(
    device: MakeDevice, email: str, mortal_house: Server
) -> None:
    desk = begun(device(at=mortal_house), email, "30 31")
    mortal_house.kill9()
    mortal_house.restart()

    desk.assert_answer(WHOLE.strip())
    assert desk.copy_answer() == WHOLE


def test_a_message_written_while_the_server_is_away_is_kept_and_sent(
    device: MakeDevice, email: str, mortal_house: Server
) -> None:
    write_while_away(device(at=mortal_house), email, mortal_house)


def test_an_answer_that_failed_says_why_and_can_be_asked_for_again(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("oops:5")

    expect(desk.page.get_by_role("button", name="Try again")).to_be_visible()
    desk.assert_answer("0 1 2 3 4")
