"""Check 3: signing out in one tab closes that login's sockets on every worker, in the middle of an answer.

The close code is 4501 (do not come back); 4401 is for a token that expired. The answer itself goes on and is kept:
it belongs to the person, not to the device.
"""

import time
import uuid
from contextlib import closing

import pytest

from tests.security.houses import AUTH, Browser, House
from tests.support.viewer import Viewer
from tests.support.ws_client import Client
from tests.support.ws_frames import CLOSE

WITHIN_S = 1.0


def closing_time(viewer: Viewer) -> tuple[int, float]:
    """The close code of the viewer's socket, and how long it took from now."""
    begun = time.monotonic()
    code = viewer.online.wait_closed(5).code
    return code, time.monotonic() - begun


def streaming(browser: Browser) -> Viewer:
    """A viewer that is in the middle of a long answer."""
    viewer = browser.viewer()
    viewer.connect()
    ask_much(viewer)
    return viewer


def ask_much(viewer: Viewer) -> None:
    """Ask for an answer that takes twelve seconds, and see it begin."""
    viewer.ask("count:600@50", str(uuid.uuid4()))
    viewer.online.wait_for("run.delta")


def test_sec_03_signing_out_closes_a_stream_on_another_worker(two_workers: House) -> None:
    browser = two_workers.browser().sign_up()
    with closing(browser.viewer()) as here, closing(browser.viewer()) as there:
        two_workers.on_two_workers(here, there)
        ask_much(here)
        signed_out = browser.ask("POST", f"{AUTH}/logout", Cookie=f"zgpt_refresh={browser.refresh_token}")
        assert signed_out.status == 204
        for viewer in (here, there):
            code, took_s = closing_time(viewer)
            assert code == 4501
            assert took_s < WITHIN_S
    assert browser.ask("GET", f"{AUTH}/me").status == 401


def test_sec_03_nothing_of_the_answer_comes_after_the_close(two_workers: House) -> None:
    browser = two_workers.browser().sign_up()
    with closing(streaming(browser)) as there:
        browser.ask("POST", f"{AUTH}/logout", Cookie=f"zgpt_refresh={browser.refresh_token}")
        frames = frames_until_the_end(there.online)
    assert [opcode for opcode, _ in frames].index(CLOSE) == len(frames) - 1
    assert frames[-1][1][:2] == (4501).to_bytes(2, "big")


def frames_until_the_end(client: Client) -> list[tuple[int, bytes]]:
    """All that the server sends before it hangs up, whatever it has said of closing."""
    frames: list[tuple[int, bytes]] = []
    with client.detach() as sock:
        sock.settimeout(10)
        while data := sock.recv(65_536):
            frames += client._frames.feed(data)
    return frames


def test_sec_03_another_device_goes_on(two_workers: House) -> None:
    first = two_workers.browser().sign_up()
    second = two_workers.browser(first.email).sign_in()
    with closing(first.viewer()) as here, closing(second.viewer()) as there:
        two_workers.on_two_workers(here, there)
        first.ask("POST", f"{AUTH}/logout", Cookie=f"zgpt_refresh={first.refresh_token}")
        assert closing_time(here)[0] == 4501
        assert there.online.command("ping") == {}


@pytest.mark.parametrize("where", ["two_workers", "one_worker"])
def test_sec_03_a_device_is_signed_out_from_another(where: str, request: pytest.FixtureRequest) -> None:
    house: House = request.getfixturevalue(where)
    first = house.browser().sign_up()
    second = house.browser(first.email).sign_in()
    with closing(streaming(second)) as there:
        (item,) = [one for one in first.ask("GET", f"{AUTH}/logins").json["items"] if not one["current"]]
        assert first.ask("DELETE", f"{AUTH}/logins/{item['id']}").status == 204
        code, took_s = closing_time(there)
        assert (code, took_s < WITHIN_S) == (4501, True)
