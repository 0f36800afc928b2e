"""Check 36: an answer costs what its ceilings allow, a stop reaches the model within a second, and is booked once.

That a long conversation is cut to the model's context is in tests/runs/test_prompt.py.
"""

import threading
import time
from typing import Any

import pytest

from tests.security.chats import begun_chat, new_name, person, socket_of
from tests.security.conftest import MakeHouse
from tests.security.houses import Browser, House
from tests.support.processes import polls
from tests.support.viewer import Viewer

TOTAL_S = 3.0
WITHIN_S = 1.0
ANSWER_BYTES = 1_048_576
STORM = 40
PROMPT_TOKENS = 7
"""What the scripted model says that every question cost."""


@pytest.fixture(scope="module")
def paid(make_house: MakeHouse) -> House:
    """A server whose answers may last three seconds in all."""
    return make_house(LLM_TOTAL_TIMEOUT_S=str(TOTAL_S))


def end_of(viewer: Viewer, text: str, timeout_s: float = 30.0) -> dict[str, Any]:
    sent = viewer.online.command("message.send", client_id=new_name(), text=text)
    return viewer.online.wait_for("run.completed", timeout_s, run_id=sent["run_id"])


def seconds_until_closed(made: House, open_before: int) -> float:
    """How long until the model's server has no more answers open than before."""
    begun = time.monotonic()
    for _ in polls(10.0):
        if made.model.stats()["open"] <= open_before:
            break
    return time.monotonic() - begun


def used(browser: Browser) -> float:
    return float(browser.ask("GET", "/api/v1/usage").json["tokens"]["used"])


@pytest.mark.parametrize("text", ["count:100000@50", "stall:5", "silent", "reason:100000@50"])
def test_sec_36_a_model_that_never_ends_is_cut_by_the_clock(paid: House, text: str) -> None:
    with socket_of(person(paid)) as viewer:
        begun = time.monotonic()
        ended = end_of(viewer, text)
        # A model that has not said a word yet is asked once more.
        assert time.monotonic() - begun < 2 * TOTAL_S + 3
        assert (ended["status"], ended["error"]["code"]) == ("failed", "provider_timeout")
    assert seconds_until_closed(paid, 0) < WITHIN_S


def test_sec_36_a_model_that_says_too_much_is_cut_by_the_byte(paid: House) -> None:
    with socket_of(person(paid)) as viewer:
        ended = end_of(viewer, "count:300000")
        # The piece that crosses the line is the last one.
        assert 0 < ended["ends"]["text"] < ANSWER_BYTES + 65_536
    assert seconds_until_closed(paid, 0) < WITHIN_S


def test_sec_36_who_leaves_does_not_end_the_answer_and_stop_does_within_a_second(open_house: House) -> None:
    before = open_house.model.stats()["open"]
    live = begun_chat(person(open_house), "count:2000@50")
    # The socket that asked is closed already.
    with socket_of(live.owner) as viewer:
        viewer.transcript.session_id = live.session_id
        viewer.open()
        viewer.online.wait_for("run.delta")
        assert open_house.model.stats()["open"] > before
        viewer.online.command("run.stop", run_id=live.run_id)
        assert seconds_until_closed(open_house, before) < WITHIN_S
        assert viewer.online.wait_for("run.completed", run_id=live.run_id)["status"] == "stopped"


def test_sec_36_a_storm_of_stops_ends_it_once_and_books_it_once(open_house: House) -> None:
    before = open_house.model.stats()["open"]
    live = begun_chat(person(open_house), "count:2000@50")
    path = f"/api/v1/runs/{live.run_id}/stop"
    statuses: list[int] = []
    storm = [
        threading.Thread(target=lambda: statuses.append(live.owner.ask("POST", path).status)) for _ in range(STORM)
    ]
    for one in storm:
        one.start()
    for one in storm:
        one.join(30)
    assert statuses == [202] * STORM
    assert seconds_until_closed(open_house, before) < WITHIN_S
    shown = live.owner.ask("GET", f"/api/v1/runs/{live.run_id}").json
    assert shown["status"] == "stopped"
    booked = used(live.owner)
    assert 0 < booked < 2_000
    live.owner.ask("POST", path)
    assert used(live.owner) == booked


def test_sec_36_questions_that_are_stopped_at_once_leave_nothing_open(open_house: House) -> None:
    before = open_house.model.stats()["open"]
    with socket_of(person(open_house)) as viewer:
        for _ in range(10):
            sent = viewer.ask("count:2000@50", new_name())
            viewer.online.command("run.stop", run_id=sent["run_id"])
            viewer.online.wait_for("run.completed", run_id=sent["run_id"])
    assert seconds_until_closed(open_house, before) < WITHIN_S


def test_sec_36_the_same_question_sent_again_is_asked_and_booked_once(open_house: House) -> None:
    owner = person(open_house)
    asked = open_house.model.stats()["requests"]
    name = new_name()
    with socket_of(owner) as first, socket_of(owner) as second:
        sent = first.online.command("message.send", client_id=name, text="count:20")
        for viewer in (first, second):
            for _ in range(5):
                again = viewer.online.command("message.send", client_id=name, text="count:20")
                assert again["run_id"] == sent["run_id"]
        first.online.wait_for("run.completed", run_id=sent["run_id"])
    assert open_house.model.stats()["requests"] == asked + 1
    assert used(owner) == PROMPT_TOKENS + 20
