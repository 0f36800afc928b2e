"""Something on the way breaks WebSockets: the app goes round it by itself, says so, and the promise holds."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.browser.stories import STREAM, WHOLE, begun, write_while_away
from tests.support.device import ANSWER_TIMEOUT_MS, Device
from tests.support.model_process import counted
from tests.support.processes import polls
from tests.support.server import Server
from tests.support.visitor import come_back
from tests.support.wayside import Wayside

BLOCKED = "The live connection is blocked on the way. Using a slower one"


def assert_exact(desk: Device, house: Server, email: str, text: str = WHOLE) -> None:
    """The newest answer is finished, reads like this, and is what is stored, byte by byte."""
    desk.assert_answer(text.strip())
    owner = come_back(house.url, email)
    newest = owner.get("/api/v1/sessions?limit=1")["items"][0]["id"]
    assert desk.copy_answer() == owner.messages(newest)[-1]["text"] == text


def look_again(desk: Device) -> None:
    """As when the machine wakes, or is on another network: the app tries the WebSocket at once."""
    desk.page.evaluate("() => dispatchEvent(new Event('online'))")


@pytest.mark.parametrize("refusal", ["403", "502", "hang up"])
def test_a_proxy_that_refuses_websockets_is_gone_round_and_named(
    device: MakeDevice, house: Server, email: str, refusal: str
) -> None:
    with Wayside(house.port, refusal) as way:
        desk = device(at=way)
        desk.sign_up(email)
        expect(desk.status).to_have_text(BLOCKED)
        desk.send_message(STREAM)
        desk.assert_answering("5 6")
        expect(desk.status).to_have_text(BLOCKED)
        assert_exact(desk, house, email)
        assert (way.refused, way.upgraded, way.streams) == (2, 0, 1)


def test_an_event_stream_that_is_cut_again_and_again_loses_and_doubles_nothing(
    device: MakeDevice, house: Server, email: str
) -> None:
    with Wayside(house.port, "403") as way:
        desk = device(at=way)
        desk.sign_up(email)
        desk.send_message(STREAM)
        for shown in ("10 11", "60 61", "110 111", "170 171"):
            desk.assert_answering(shown)
            assert any(way.cut_streams() for _ in polls(5.0))
        assert_exact(desk, house, email)
        assert way.streams == 5


def test_a_proxy_that_holds_text_back_gets_it_in_pieces(device: MakeDevice, house: Server, email: str) -> None:
    with Wayside(house.port, "403", buffers=True) as way:
        desk = device(at=way)
        desk.sign_up(email)
        desk.send_message("count:600@60")
        expect(desk.status).to_contain_text("Text is held back too and comes in pieces")
        desk.assert_answering("99 100")
        assert_exact(desk, house, email, counted(600))


def test_the_app_returns_to_the_websocket_in_mid_answer(device: MakeDevice, house: Server, email: str) -> None:
    with Wayside(house.port, "403") as way:
        desk = begun(device(at=way), email, "10 11")
        way.sockets = "pass"
        look_again(desk)
        expect(desk.status).to_have_text("")
        assert way.upgraded == 1
        desk.assert_answering("120 121")
        assert way.cut_streams() == 0
        assert_exact(desk, house, email)


def test_an_answer_is_stopped_without_a_websocket(device: MakeDevice, house: Server, email: str) -> None:
    with Wayside(house.port, "403") as way:
        desk = begun(device(at=way), email, "5 6")
        desk.stop()
        expect(desk.status).to_contain_text("Answer stopped")
        desk.assert_answer(re.compile(r"^0 1 2 3 4 5 6[ \d]*$"))


def test_two_devices_see_the_same_on_different_ways(device: MakeDevice, house: Server, email: str) -> None:
    with Wayside(house.port, "403") as way:
        desk, phone = begun(device(at=way), email, "5 6"), device()
        phone.sign_in(email, path=desk.page.url.removeprefix(desk.url))
        phone.assert_answering("20 21")
        assert_exact(phone, house, email)
        assert_exact(desk, house, email)

        phone.send_message("count:600@40")
        # Without a socket it looks every few seconds for what others have asked.
        expect(desk.page.locator(".turn.user")).to_have_count(2, timeout=ANSWER_TIMEOUT_MS)
        desk.assert_answering("3 4")
        assert_exact(desk, house, email, counted(600))


def test_a_question_is_edited_and_an_answer_written_again_without_a_websocket(
    device: MakeDevice, house: Server, email: str
) -> None:
    with Wayside(house.port, "403") as way:
        desk = device(at=way)
        desk.sign_up(email)
        desk.send_message("echo:first")
        desk.assert_answer("first")
        turn = desk.page.locator(".turn.user").last
        turn.hover()
        turn.get_by_role("button", name="Edit").click()
        desk.page.get_by_label("Edit the message").fill("echo:second")
        desk.page.get_by_role("button", name="Send", exact=True).first.click()
        desk.assert_answer("second")

        desk.page.locator(".turn.assistant").last.hover()
        desk.page.locator(".turn.assistant .turn-actions").last.get_by_role("button", name="Answer again").click()
        expect(desk.page.locator(".turn.assistant .versions-place").last).to_have_text(re.compile(r"2\D+2"))
        desk.assert_answer("second")


def test_a_message_written_while_nothing_gets_through_is_sent_once(
    device: MakeDevice, mortal_house: Server, email: str
) -> None:
    with Wayside(mortal_house.port, "403") as way:
        write_while_away(device(at=way), email, mortal_house)
        assert len(come_back(mortal_house.url, email).get("/api/v1/sessions")["items"]) == 1


def test_who_is_signed_out_elsewhere_is_asked_to_sign_in(device: MakeDevice, house: Server, email: str) -> None:
    with Wayside(house.port, "403") as way:
        desk = device(at=way)
        desk.sign_up(email)
        desk.send_message("count:900@60")
        desk.assert_answering("5 6")
        come_back(house.url, email).post("/api/v1/auth/logout-all", {})
        expect(desk.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
