"""The same job on the big parts: PostgreSQL for the data, Redis for the limits, another model server."""

import uuid

from tests.conftest import MakeServer
from tests.support.model_process import counted
from tests.support.viewer import Viewer
from tests.support.visitor import visit

ANSWER_TIMEOUT_S = 20.0


def test_a_question_is_answered_on_postgresql_and_redis(server: MakeServer, postgres_url: str, redis_url: str) -> None:
    running = server(DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    visitor = visit(running.url)
    with Viewer(running.url, visitor.token) as viewer:
        viewer.connect()
        run_id = viewer.ask("count:300@300", str(uuid.uuid4()))["run_id"]
        viewer.see_the_end(run_id, ANSWER_TIMEOUT_S)

    expected = counted(300)
    assert viewer.transcript.text(run_id) == expected
    assert visitor.messages(str(viewer.transcript.session_id))[-1]["text"] == expected
