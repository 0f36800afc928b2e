"""Check 7: what a client says it holds is never believed: no foreign byte, and the text is whole whatever it says."""

from typing import Any

import pytest

from tests.security.chats import Chat, begun_chat, chat, new_name, person, socket_of
from tests.security.houses import House
from tests.support.viewer import Viewer

Json = dict[str, Any]
FAR = 2**53
TEXT = "äöü€😀" * 20
"""One character at a time: two, three and four bytes each."""


def hold(run_id: str, epoch: int, offset: int, part: str = "text") -> Json:
    return {"run_id": run_id, "part": part, "epoch": epoch, "offset": offset}


def shown(viewer: Viewer, run_id: str, have: bytes) -> tuple[bytes, bool]:
    """What a screen with these bytes shows at the end of the run, and whether it was told to begin anew."""
    text, anew = have, False
    for event in viewer.online.events(20):
        if event["type"] == "run.reset":
            text, anew = b"", True
        if event["type"] == "run.delta" and event["part"] == "text":
            data = event["text"].encode()
            assert event["end"] - event["at"] == len(data)
            assert event["at"] <= len(text), "a gap"
            text = text[: event["at"]] + data
        if event["type"] == "run.completed" and event["run_id"] == run_id:
            break
    return text, anew


@pytest.mark.parametrize(
    ("epoch", "offset"),
    [(1, 1), (1, 3), (1, 7), (1, FAR), (FAR, 0), (FAR, FAR), (0, 0), (0, 1)],
    ids=["in-a-character", "in-the-second", "in-the-euro", "beyond-the-end", "later-epoch", "both", "epoch-0", "old"],
)
def test_sec_07_a_forged_position_still_ends_with_the_true_text(open_house: House, epoch: int, offset: int) -> None:
    live = begun_chat(person(open_house), f"spell:{TEXT}@200")
    with socket_of(live.owner) as viewer:
        viewer.online.command("session.open", session_id=live.session_id, holds=[hold(live.run_id, epoch, offset)])
        # A client that lies about what it has can only garble its own screen: so much of the true text counts as had.
        text, anew = shown(viewer, live.run_id, TEXT.encode()[:offset])
        assert text == TEXT.encode()
        assert anew or epoch <= 1


def test_sec_07_holds_of_somebody_else_bring_nothing_of_theirs(open_house: House) -> None:
    theirs = begun_chat(person(open_house), "count:200@50")
    mine = chat(person(open_house), "echo:mine")
    with socket_of(mine.owner) as viewer:
        forged = [hold(theirs.run_id, 1, offset) for offset in (0, 1, 5)]
        opened = viewer.online.command("session.open", session_id=mine.session_id, holds=forged)
        assert theirs.run_id not in str(opened)
        sent = viewer.online.command(
            "message.send", session_id=mine.session_id, client_id=new_name(), text="count:25@50"
        )
        events = []
        for event in viewer.online.events(20):
            events.append(event)
            if event["type"] == "run.completed":
                break
        assert {event["run_id"] for event in events if "run_id" in event} == {sent["run_id"]}
        assert theirs.run_id not in str(events)


def test_sec_07_holds_of_a_run_that_ended_bring_the_message_and_no_text(open_house: House) -> None:
    ended = chat(person(open_house), "echo:the end")
    with socket_of(ended.owner) as viewer:
        forged = [hold(ended.run_id, epoch, offset) for epoch in (0, 1, FAR) for offset in (0, 3, FAR)]
        opened = viewer.online.command("session.open", session_id=ended.session_id, revision=0, holds=forged)
        assert [message["text"] for message in opened["messages"]] == ["echo:the end", "the end"]
        assert opened["runs"] == []
        viewer.online.command("ping")
        assert [event for event in viewer.online.take_events() if event["type"] == "run.delta"] == []


def test_sec_07_a_revision_from_the_future_counts_as_none(open_house: House) -> None:
    known: Chat = chat(person(open_house), "echo:words")
    with socket_of(known.owner) as viewer:
        opened = viewer.online.command("session.open", session_id=known.session_id, revision=FAR)
        assert len(opened["messages"]) == 2


@pytest.mark.parametrize("bad", [-1, FAR + 1, 1.5, "1", None, True, 10**30])
def test_sec_07_a_position_that_is_no_count_is_refused(open_house: House, bad: object) -> None:
    ended = chat(person(open_house), "echo:x")
    with socket_of(ended.owner) as viewer:
        frame = {"run_id": ended.run_id, "part": "text", "epoch": 1, "offset": bad}
        viewer.online.send({"type": "session.open", "id": "a", "session_id": ended.session_id, "holds": [frame]})
        assert viewer.online.wait_for("error", id="a")["code"] == "invalid"
        viewer.online.command("ping")
