"""What was begun ends, even when everything dies in the middle."""

from tests.journeys.conftest import Ask
from tests.journeys.test_chat import LONG_QUESTION, _first_text
from tests.support.server import Server
from tests.support.visitor import Visitor

RECOVERY_TIMEOUT_S = 60.0


def test_an_answer_that_was_interrupted_by_a_crash_still_ends(ask: Ask, product: Server, visitor: Visitor) -> None:
    viewer, run_id = ask(LONG_QUESTION)
    _first_text(viewer, run_id)
    viewer.online.reset()
    product.kill9()
    product.restart()
    viewer.come_back(RECOVERY_TIMEOUT_S)
    viewer.see_the_end(run_id, RECOVERY_TIMEOUT_S)

    end = viewer.transcript.completed[run_id]
    assert end["status"] in {"completed", "failed"}
    answer = visitor.messages(str(viewer.transcript.session_id))[-1]
    assert answer["text"] == viewer.transcript.text(run_id) != ""
