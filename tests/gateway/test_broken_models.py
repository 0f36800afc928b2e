"""A model server that answers badly, or not at all: the run fails in words and what was said before is kept."""

import uuid
from typing import Any

import pytest

from tests.gateway.conftest import House
from tests.support.transcript import Transcript
from tests.support.visitor import Visitor
from tests.support.ws_client import Client


@pytest.fixture(scope="module")
def visitor(house: House) -> Visitor:
    return house.visit()


def _ask(client: Client, text: str, session_id: str | None = None) -> dict[str, Any]:
    """Ask, and follow to the end; the end, with what a page shows beside it."""
    sent = client.command("message.send", session_id=session_id, client_id=str(uuid.uuid4()), text=text)
    transcript = Transcript(session_id=sent["session_id"])
    while sent["run_id"] not in transcript.completed:
        transcript.apply(client.event(20))
    return {**transcript.completed[sent["run_id"]], "shown": transcript.text(sent["run_id"])}


@pytest.mark.parametrize(
    ("says", "code", "retryable"),
    [
        ("html", "provider_garbage", False),
        ("garbage", "provider_garbage", True),
        ("half", "provider_garbage", True),
        ("empty", "provider_cut", True),
        ("nothing", "provider_timeout", True),
        ("silent", "provider_timeout", True),
        ("error:500", "provider_failed", True),
        ("error:503", "provider_failed", True),
        ("error:429", "provider_rate_limited", True),
        ("error:401", "provider_refused_key", False),
        ("error:400", "provider_rejected", False),
    ],
)
def test_without_a_word_the_run_fails_in_words(
    house: House, visitor: Visitor, says: str, code: str, retryable: bool
) -> None:
    with house.connect(visitor) as client:
        end = _ask(client, says)
    assert (end["status"], end["error"]["code"]) == ("failed", code)
    assert end["error"]["retryable"] is retryable
    assert len(end["error"]["message"]) > 20
    assert "<" not in end["error"]["message"]
    assert end["message"]["text"] == ""


@pytest.mark.parametrize(
    ("says", "code"), [("cut:5", "provider_cut"), ("oops:5", "provider_failed"), ("stall:5", "provider_timeout")]
)
def test_what_was_said_before_the_fault_is_kept(house: House, visitor: Visitor, says: str, code: str) -> None:
    with house.connect(visitor) as client:
        end = _ask(client, says)
    assert (end["status"], end["error"]["code"], end["error"]["retryable"]) == ("failed", code, True)
    assert end["message"]["text"] == end["shown"] == "0 1 2 3 4 "
    assert visitor.messages(end["session_id"])[-1]["text"] == "0 1 2 3 4 "


def test_a_model_that_forgets_to_say_done_is_complete(house: House, visitor: Visitor) -> None:
    with house.connect(visitor) as client:
        assert _ask(client, "nodone:5")["status"] == "completed"


def test_after_a_failure_the_answer_can_be_written_again(house: House, visitor: Visitor) -> None:
    with house.connect(visitor) as client:
        end = _ask(client, "cut:5")
        client.command("run.regenerate", message_id=end["message_id"])
        again = client.wait_for("run.completed")
        assert again["message"]["parent_id"] == end["message"]["parent_id"]
        assert again["message_id"] != end["message_id"]


def test_a_stop_cancels_upstream_within_a_second(house: House, visitor: Visitor) -> None:
    before = house.model.stats()["cancelled"]
    with house.connect(visitor) as client:
        sent = client.command("message.send", session_id=None, client_id=str(uuid.uuid4()), text="count:1000@20")
        client.wait_for("run.delta")
        client.command("run.stop", run_id=sent["run_id"])
        end = client.wait_for("run.completed", timeout_s=1)
    assert end["status"] == "stopped"
    assert house.model.stats()["cancelled"] == before + 1
