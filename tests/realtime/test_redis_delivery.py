"""Two processes with Redis between them: what is said in one is shown in the other, once, in order, whole."""

from contextlib import closing

import redis

from tests.realtime.redis_house import Process, lose, told_of_a_run, wait
from tests.support.delivery import RUN, SESSION, USER, ended, head
from zgpt.realtime import bus
from zgpt.realtime.protocol import MessageDeleted

EVENT = MessageDeleted(SESSION, "m", 4)


def test_a_run_that_begins_is_followed_from_its_first_token(here: Process, there: Process) -> None:
    _, link = there.view(SESSION)
    here.broker.open_run(head(), {})
    for at, word in enumerate(["a", "b", "c"]):
        here.broker.append(RUN, 1, "text", at, word.encode())
    here.broker.end_run(RUN, 1, ended(text="abc"))
    wait(lambda: "run.completed" in link.types)
    assert link.text() == "abc"


def test_who_comes_late_is_given_what_there_is_and_then_what_comes(here: Process, there: Process) -> None:
    here.broker.open_run(head(), {"text": b"kept "})
    here.broker.append(RUN, 1, "text", 5, b"more ")
    wait(lambda: here.hub.live_run(RUN) and len(here.run(RUN).parts["text"].data) == 10)
    _, link = there.view(SESSION)
    assert link.text() == "kept more "
    here.broker.append(RUN, 1, "text", 10, b"rest")
    wait(lambda: link.text() == "kept more rest")


def test_a_process_where_nobody_looks_keeps_nothing(here: Process, there: Process) -> None:
    other = there.device()
    here.broker.open_run(head(), {})
    here.broker.append(RUN, 1, "text", 0, b"abc")
    here.broker.publish(USER, None, EVENT)
    wait(lambda: other.offered)
    assert there.hub.live_run(RUN) is None


def test_a_message_that_was_lost_is_noticed_by_the_next(here: Process, there: Process) -> None:
    link = told_of_a_run(here, there)
    lose(here, there, b"lost ")
    here.broker.append(RUN, 1, "text", 5, b"found")
    wait(lambda: link.text() == "lost found")


def test_a_last_message_that_was_lost_is_noticed_by_the_positions(here: Process, there: Process) -> None:
    link = told_of_a_run(here, there)
    lose(here, there, b"lost")
    wait(lambda: link.text() == "lost")


def test_an_end_whose_text_has_gone_still_shows_everything(here: Process, there: Process, redis_url: str) -> None:
    here.broker.open_run(head(), {})
    here.broker.append(RUN, 1, "text", 0, b"gone")
    wait(lambda: here.hub.live_run(RUN) and here.run(RUN).parts["text"].data)
    with redis.Redis.from_url(redis_url) as server:
        server.delete(bus.run_key(RUN), bus.part_key(RUN, 1, "text"))
    _, link = there.view(SESSION)
    here.broker.end_run(RUN, 1, ended(text="gone"))
    wait(lambda: "run.completed" in link.types)
    assert link.seen[-1]["message"]["text"] == "gone"
    assert there.hub.live_run(RUN) is None


def test_a_new_owner_resets_the_viewers_and_the_old_one_is_told(here: Process, there: Process) -> None:
    _, link = here.view(SESSION)
    here.broker.open_run(head(1), {})
    here.broker.append(RUN, 1, "text", 0, b"Once ")
    wait(lambda: link.text() == "Once ")
    kept = there.broker.take_run(RUN, 2)
    assert kept == {"reasoning": b"", "text": b"Once "}
    here.broker.append(RUN, 1, "text", 5, b"zombie")
    there.broker.open_run(head(2), kept)
    there.broker.append(RUN, 2, "text", 5, b"upon")
    wait(lambda: link.text() == "Once upon")
    assert here.fenced == [(RUN, 1)]
    assert "zombie" not in str(link.seen)


def test_an_abandoned_run_says_and_shows_nothing_more(here: Process) -> None:
    _, link = here.view(SESSION)
    here.broker.open_run(head(), {})
    here.broker.append(RUN, 1, "text", 0, b"shown")
    wait(lambda: link.text() == "shown")
    here.broker.append(RUN, 1, "text", 5, b" not shown")
    here.broker.abandon(RUN, 1)
    here.broker.append(RUN, 1, "text", 15, b" nor this")
    here.broker.open_run(head(run_id="next"), {})
    wait(lambda: here.hub.live_run("next"))
    assert link.text() == "shown"


def test_events_stops_and_revocations_reach_the_others_and_oneself_once(here: Process, there: Process) -> None:
    links = [here.device(), there.device()]
    stopped: list[str] = []
    there.hub.on_stop = stopped.append
    here.broker.publish(USER, None, EVENT)
    here.broker.request_stop(RUN)
    here.broker.revoke(USER, "login", 4501)
    wait(lambda: links[1].closed_with)
    for link in links:
        assert (link.types, link.closed_with) == (["message.deleted"], 4501)
    assert stopped == [RUN]


def test_a_process_that_does_not_serve_says_at_once_what_it_has_to_say(there: Process, redis_url: str) -> None:
    link = there.device()
    with closing(Process(redis_url).broker) as other:
        other.revoke(USER, None, 4501)
        wait(lambda: link.closed_with == 4501)


def test_a_process_lives_for_the_others_until_it_ends(here: Process, there: Process) -> None:
    both = {here.broker.process_id, there.broker.process_id}
    assert there.broker.living([*both, "nobody"]) == both
    released: list[bool] = []
    assert there.ear is not None
    there.ear.on_released = lambda: released.append(True)
    here.broker.close()
    wait(lambda: released)
    assert there.broker.living(list(both)) == {there.broker.process_id}
