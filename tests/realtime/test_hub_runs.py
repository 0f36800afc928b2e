"""What the hub makes of a run for who joins before, during and after it."""

from tests.support.delivery import RUN, SESSION, HandClock, Link, ended, head, member, view
from zgpt.realtime.hub import Hub
from zgpt.realtime.live import LiveRun


def _said(hub: Hub, text: str, flush_clock: HandClock, epoch: int = 1) -> None:
    run = hub.live_run(RUN)
    assert run
    hub.text_appended(RUN, epoch, "text", len(run.parts["text"].data), text.encode())
    flush_clock.flush()


def test_a_viewer_from_before_the_run_is_sent_its_text(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    view(hub, link)
    hub.run_opened(head(), {})
    _said(hub, "Hello", flush_clock)
    assert link.text() == "Hello"
    assert "run.reset" not in link.types


def test_a_viewer_who_comes_in_the_middle_is_sent_the_rest_after_what_it_holds(
    hub: Hub, flush_clock: HandClock
) -> None:
    hub.run_opened(head(), {})
    _said(hub, "Hello ", flush_clock)
    link = Link()
    view(hub, link, text=(1, 3))
    _said(hub, "world", flush_clock)
    assert [event["text"] for event in link.seen] == ["lo ", "world"]


def test_a_run_that_opens_while_the_session_is_being_opened_is_joined_at_the_release(
    hub: Hub, flush_clock: HandClock
) -> None:
    link = Link()
    joined = member(hub, link)
    hub.hold(joined, SESSION)
    hub.run_opened(head(), {})
    _said(hub, "Hello", flush_clock)
    assert link.seen == []
    hub.release(joined, SESSION, 0, {})
    assert link.text() == "Hello"


def test_a_run_that_ended_after_the_read_is_sent_whole_with_its_end(hub: Hub, flush_clock: HandClock) -> None:
    """The viewer read revision 2, in which the run was still open; its end has revision 3."""
    hub.run_opened(head(), {})
    _said(hub, "Hello", flush_clock)
    hub.run_ended(RUN, 1, ended(revision=3))
    link = Link()
    view(hub, link, revision=2)
    assert link.types == ["run.delta", "run.completed"]


def test_a_run_that_ended_before_the_read_is_not_sent_again(hub: Hub, flush_clock: HandClock) -> None:
    hub.run_opened(head(), {})
    _said(hub, "Hello", flush_clock)
    hub.run_ended(RUN, 1, ended(revision=3))
    link = Link()
    view(hub, link, revision=3)
    assert link.seen == []


def test_the_end_flushes_what_was_not_flushed_and_counts_once(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    view(hub, link)
    hub.run_opened(head(), {})
    hub.text_appended(RUN, 1, "text", 0, b"Hello")
    hub.run_ended(RUN, 1, ended())
    hub.run_ended(RUN, 1, ended(revision=9))
    flush_clock.flush()
    assert link.types == ["run.delta", "run.completed"]
    assert link.seen[1]["revision"] == 3


def test_a_connection_that_drains_after_the_end_does_not_get_it_again(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    joined = view(hub, link)
    hub.run_opened(head(), {})
    hub.run_ended(RUN, 1, ended())
    link.block()
    link.drain()
    hub.drained(joined)
    assert link.types == ["run.completed"]


def test_a_slow_viewer_gets_everything_when_its_connection_drains(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    joined = view(hub, link)
    hub.run_opened(head(), {})
    link.block()
    for word in ("one ", "two ", "three"):
        _said(hub, word, flush_clock)
    assert link.seen == []
    link.drain()
    hub.drained(joined)
    assert [event["text"] for event in link.seen] == ["one two three"]


def test_a_new_epoch_resets_the_viewers_of_the_old_one(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    view(hub, link)
    hub.run_opened(head(), {})
    _said(hub, "Hello", flush_clock)
    hub.run_opened(head(2), {"text": b"Hel"})
    assert link.types == ["run.delta", "run.reset", "run.delta"]
    _said(hub, "p!", flush_clock, epoch=2)
    assert link.text() == "Help!"


def test_a_run_taken_over_from_another_process_resets_who_may_show_its_old_text(hub: Hub) -> None:
    link = Link()
    view(hub, link)
    hub.run_opened(head(2), {"text": b"kept"})
    assert [(event["type"], event["epoch"]) for event in link.seen] == [("run.reset", 2), ("run.delta", 2)]


def test_an_epoch_that_is_open_or_older_is_not_opened_again(hub: Hub) -> None:
    link = Link()
    view(hub, link)
    hub.run_opened(head(2), {})
    hub.run_opened(head(2), {"text": b"x"})
    hub.run_opened(head(1), {"text": b"x"})
    assert link.types == ["run.reset"]


def test_what_an_older_owner_writes_or_ends_is_not_shown(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    hub.run_opened(head(2), {})
    view(hub, link)
    hub.text_appended(RUN, 1, "text", 0, b"zombie")
    hub.run_ended(RUN, 1, ended())
    hub.run_dropped(RUN, 1)
    flush_clock.flush()
    assert link.seen == []
    assert hub.live_run(RUN) is not None


def test_text_and_ends_of_a_run_that_nobody_knows_are_ignored(hub: Hub, flush_clock: HandClock) -> None:
    hub.text_appended(RUN, 1, "text", 0, b"x")
    hub.run_ended(RUN, 1, ended())
    hub.run_dropped(RUN, 1)
    assert flush_clock.marked == []


def test_text_that_leaves_a_gap_is_not_shown(hub: Hub, flush_clock: HandClock) -> None:
    hub.run_opened(head(), {})
    hub.text_appended(RUN, 1, "text", 5, b"x")
    assert flush_clock.marked == []


def test_a_run_is_marked_once_until_it_is_flushed(hub: Hub, flush_clock: HandClock) -> None:
    hub.run_opened(head(), {})
    hub.text_appended(RUN, 1, "text", 0, b"a")
    hub.text_appended(RUN, 1, "text", 1, b"b")
    assert len(flush_clock.marked) == 1


def test_a_dropped_run_is_gone_and_its_viewers_hear_nothing_more(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    joined = view(hub, link)
    hub.run_opened(head(), {})
    hub.text_appended(RUN, 1, "text", 0, b"secret")
    hub.run_dropped(RUN, 1)
    flush_clock.flush()
    hub.drained(joined)
    assert link.seen == []
    assert hub.live_run(RUN) is None
    assert hub._runs_of == {}


def test_a_run_dropped_after_its_end_is_forgotten_without_a_fault(hub: Hub, flush_clock: HandClock) -> None:
    hub.run_opened(head(), {})
    hub.run_ended(RUN, 1, ended())
    hub.run_dropped(RUN, 1)
    flush_clock.pass_time()
    assert hub.live_run(RUN) is None


def test_who_comes_from_another_process_is_told_the_end_that_it_missed_once(hub: Hub, flush_clock: HandClock) -> None:
    missed = LiveRun(head(run_id="missed"), {"text": b"Hello"})
    missed.finish(ended(revision=2))
    hub.run_opened(head(), {})
    _said(hub, "Hello", flush_clock)
    hub.run_ended(RUN, 1, ended(revision=4))
    here = hub.live_run(RUN)
    assert here is not None
    link = Link()
    joined = member(hub, link)
    hub.hold(joined, SESSION)
    hub.release(joined, SESSION, 3, {"missed": {"text": (1, 2)}}, [missed, here])
    assert link.types == ["run.delta", "run.completed", "run.delta", "run.completed"]
    assert [event["run_id"] for event in link.seen if event["type"] == "run.delta"] == [RUN, "missed"]
    assert link.seen[2]["text"] == "llo"
