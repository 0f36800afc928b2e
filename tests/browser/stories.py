"""How several stories begin, and one that is told on two ways. No test stands here."""

import json
from urllib.request import Request

from playwright.sync_api import expect

from tests.support.device import Device
from tests.support.model_process import counted
from tests.support.people import PASSWORD
from tests.support.server import Server
from tests.support.web import fetched

STREAM = "count:300@60"
WHOLE = counted(300)


def begun(desk: Device, email: str, shown: str) -> Device:
    """Somebody new has asked there, and the answer has got as far as this."""
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering(shown)
    return desk


def write_while_away(desk: Device, email: str, house: Server) -> None:
    """Somebody new writes while the server is away: the message is kept, sent once, and answered."""
    desk.sign_up(email)
    desk.send_message("echo:first")
    desk.assert_answer("first")
    house.kill9()
    desk.send_message("echo:second")
    expect(desk.status).to_contain_text("your message is kept")
    house.restart()
    desk.assert_answer("second")
    expect(desk.page.locator(".turn.user")).to_have_count(2)


def end_elsewhere(desk: Device, email: str) -> None:
    """All sign-ins of this person end, by a hand that is not at this device."""
    token = _post(desk, "/api/v1/auth/login", {"email": email, "password": PASSWORD})["access_token"]
    _post(desk, "/api/v1/auth/logout-all", {}, Authorization=f"Bearer {token}")


def _post(desk: Device, path: str, body: dict[str, str], **headers: str) -> dict[str, str]:
    request = Request(desk.url + path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    with fetched(request, 10) as answer:
        found: dict[str, str] = json.loads(answer.read() or b"{}")
    return found
