"""A run of another process, read whole while it goes on."""

from tests.support.delivery import RUN, head
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.hub import Hub
from zgpt.realtime.redis_log import Texts
from zgpt.realtime.redis_reader import RunReader


def test_a_read_that_ends_in_the_next_epoch_leaves_its_text_alone() -> None:
    hub = Hub(FlushClock(0.001))

    def overtaken(run_id: str, epoch: int) -> Texts:
        hub.run_opened(head(2), {"text": b"new"})
        return {"text": b"a longer old text", "reasoning": b"old"}

    RunReader(hub, overtaken).load(head(1)).join()
    run = hub.live_run(RUN)
    assert run is not None
    assert run.head.epoch == 2
    assert {part: bytes(held.data) for part, held in run.parts.items()} == {"reasoning": b"", "text": b"new"}
