"""A person asks, the built-in model answers, live."""

import threading

from tests.journeys.conftest import Ask
from tests.support.server import Server
from tests.support.viewer import Viewer
from tests.support.visitor import Visitor

QUESTION = "Write three sentences about the sea."
LONG_QUESTION = "Count from one to fifty in words, then tell a long story about a lighthouse."
ANSWER_TIMEOUT_S = 60.0


def _first_text(viewer: Viewer, run_id: str) -> str:
    """Follow until something of the answer is shown."""
    while not viewer.transcript.text(run_id):
        viewer.transcript.apply(viewer.online.event(ANSWER_TIMEOUT_S))
    return viewer.transcript.text(run_id)


def test_the_built_in_model_answers_a_question(ask: Ask, visitor: Visitor) -> None:
    viewer, run_id = ask(QUESTION)
    viewer.see_the_end(run_id, ANSWER_TIMEOUT_S)

    end = viewer.transcript.completed[run_id]
    assert end["status"] == "completed"
    assert end["usage"]["completion_tokens"] > 0
    stored = visitor.messages(str(viewer.transcript.session_id))
    assert [message["role"] for message in stored] == ["user", "assistant"]
    assert stored[0]["text"] == QUESTION
    assert stored[1]["text"] == viewer.transcript.text(run_id) != ""


def test_an_answer_is_shown_while_it_is_written(ask: Ask) -> None:
    viewer, run_id = ask(LONG_QUESTION)
    first = _first_text(viewer, run_id)

    assert run_id not in viewer.transcript.completed
    viewer.online.command("run.stop", run_id=run_id)
    viewer.see_the_end(run_id, ANSWER_TIMEOUT_S)
    assert viewer.transcript.text(run_id).startswith(first)


def test_a_stopped_answer_keeps_what_was_shown(ask: Ask, visitor: Visitor) -> None:
    viewer, run_id = ask(LONG_QUESTION)
    shown = _first_text(viewer, run_id)
    viewer.online.command("run.stop", run_id=run_id)
    viewer.see_the_end(run_id, ANSWER_TIMEOUT_S)

    assert viewer.transcript.completed[run_id]["status"] == "stopped"
    answer = visitor.messages(str(viewer.transcript.session_id))[-1]
    assert answer["text"].startswith(shown)
    assert answer["run"]["status"] == "stopped"


def test_a_reader_who_loses_the_network_reads_on_without_a_gap(ask: Ask) -> None:
    viewer, run_id = ask(LONG_QUESTION)
    for _ in range(3):
        _first_text(viewer, run_id)
        viewer.online.reset()
        viewer.come_back()
    viewer.online.command("run.stop", run_id=run_id)
    viewer.see_the_end(run_id, ANSWER_TIMEOUT_S)

    assert viewer.connections == 4
    viewer.transcript.verify(run_id)


def test_two_devices_of_one_person_see_the_same_bytes(ask: Ask, product: Server, visitor: Visitor) -> None:
    writer, run_id = ask(QUESTION)
    with Viewer(product.url, visitor.token, writer.transcript.session_id) as reader:
        reader.connect()
        reader.open()
        watching = threading.Thread(target=reader.see_the_end, args=(run_id, ANSWER_TIMEOUT_S))
        watching.start()
        writer.see_the_end(run_id, ANSWER_TIMEOUT_S)
        watching.join(ANSWER_TIMEOUT_S)

    assert reader.transcript.text(run_id) == writer.transcript.text(run_id) != ""


def test_a_new_chat_gets_a_title_on_all_devices(ask: Ask, product: Server, visitor: Visitor) -> None:
    with Viewer(product.url, visitor.token) as other:
        other.connect()
        viewer, run_id = ask("What is a rainbow?")
        titled = None
        while not titled:
            session = other.online.wait_for("session.updated", ANSWER_TIMEOUT_S)["session"]
            titled = session["title"] if session["id"] == viewer.transcript.session_id else None
    viewer.see_the_end(run_id, ANSWER_TIMEOUT_S)

    assert visitor.get(f"/api/v1/sessions/{viewer.transcript.session_id}")["title"] == titled
