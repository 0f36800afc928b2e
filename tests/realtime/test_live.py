"""The shared buffer of a run and the cursors into it, by the bytes that each viewer is sent."""

from tests.support.delivery import Link, ended, head
from zgpt.realtime.live import PIECE_BYTES, LiveRun


def _run(text: str = "", reasoning: str = "") -> LiveRun:
    return LiveRun(head(), {"text": text.encode(), "reasoning": reasoning.encode()})


def _join(run: LiveRun, link: Link, **holds: tuple[int, int]) -> Link:
    run.advance(run.add_cursor(link, holds))
    return link


def _say(run: LiveRun, text: str, part: str = "text") -> None:
    data = text.encode()
    assert run.append(run.head.epoch, part, len(run.parts[part].data), data)


def test_viewers_in_step_get_the_very_same_bytes_object() -> None:
    run = _run()
    one, other = _join(run, Link()), _join(run, Link())
    _say(run, "Hello")
    run.flush()
    assert one.frames[0] is other.frames[0]


def test_text_of_several_appends_goes_out_as_one_frame() -> None:
    run = _run()
    link = _join(run, Link())
    _say(run, "Hel")
    _say(run, "lo")
    run.flush()
    assert [(event["at"], event["end"], event["text"]) for event in link.seen] == [(0, 5, "Hello")]


def test_a_delta_names_its_run_message_part_and_epoch() -> None:
    run = _run()
    link = _join(run, Link())
    _say(run, 'a "quoted" é')
    run.flush()
    assert link.seen == [
        {
            "type": "run.delta",
            "session_id": run.head.session_id,
            "run_id": run.head.run_id,
            "message_id": run.head.message_id,
            "part": "text",
            "epoch": 1,
            "at": 0,
            "end": 13,
            "text": 'a "quoted" é',
        }
    ]


def test_a_flush_without_new_text_writes_nothing() -> None:
    run = _run()
    link = _join(run, Link())
    _say(run, "x")
    run.flush()
    run.flush()
    assert len(link.frames) == 1


def test_a_blocked_viewer_is_skipped_and_gets_one_longer_frame_later() -> None:
    run = _run()
    slow, quick = Link(), _join(run, Link())
    cursor = run.add_cursor(slow, {})
    slow.block()
    for word in ("one ", "two ", "three"):
        _say(run, word)
        run.flush()
    assert (len(quick.frames), slow.frames) == (3, [])
    slow.drain()
    run.advance(cursor)
    assert [event["text"] for event in slow.seen] == ["one two three"]


def test_a_viewer_behind_the_others_is_caught_up_by_the_next_flush() -> None:
    run = _run()
    slow, quick = Link(), _join(run, Link())
    run.add_cursor(slow, {})
    slow.block()
    _say(run, "one ")
    run.flush()
    slow.drain()
    _say(run, "two")
    run.flush()
    assert ([e["text"] for e in slow.seen], [e["text"] for e in quick.seen]) == (["one two"], ["one ", "two"])


def test_a_viewer_who_joins_late_is_sent_all_of_it_and_then_keeps_step() -> None:
    run = _run()
    first = _join(run, Link())
    _say(run, "one ")
    run.flush()
    late = _join(run, Link())
    _say(run, "two")
    run.flush()
    assert late.text() == "one two"
    assert late.frames[-1] is first.frames[-1]


def test_a_viewer_who_holds_a_prefix_is_sent_the_rest_only() -> None:
    run = _run("Hello world")
    assert [e["text"] for e in _join(run, Link(), text=(1, 6)).seen] == ["world"]


def test_a_viewer_who_holds_everything_is_sent_nothing() -> None:
    run = _run("Hello")
    assert _join(run, Link(), text=(1, 5)).seen == []


def test_a_forged_offset_inside_a_character_begins_at_that_character() -> None:
    run = _run("a😀b")
    for offset in (2, 3, 4):
        assert [(e["at"], e["text"]) for e in _join(run, Link(), text=(1, offset)).seen] == [(1, "😀b")]


def test_a_hold_from_beyond_the_end_is_reset_and_sent_everything() -> None:
    link = _join(_run("Hello"), Link(), text=(1, 6))
    assert link.types == ["run.reset", "run.delta"]
    assert link.seen[0]["epoch"] == 1
    assert (link.seen[1]["at"], link.seen[1]["text"]) == (0, "Hello")


def test_a_hold_of_another_epoch_is_reset_and_sent_everything() -> None:
    for epoch in (0, 2, 7):
        link = _join(_run("Hello"), Link(), text=(epoch, 2))
        assert (link.types, link.seen[1]["text"]) == (["run.reset", "run.delta"], "Hello")


def test_one_foreign_part_resets_the_other_part_too() -> None:
    link = _join(_run("Hello", "Hm"), Link(), text=(1, 3), reasoning=(2, 1))
    assert [(e.get("part"), e.get("at")) for e in link.seen] == [(None, None), ("reasoning", 0), ("text", 0)]


def test_reasoning_goes_before_text_and_each_has_offsets_of_its_own() -> None:
    run = _run()
    link = _join(run, Link())
    _say(run, "Hm", "reasoning")
    _say(run, "Yes")
    run.flush()
    assert [(e["part"], e["at"], e["end"]) for e in link.seen] == [("reasoning", 0, 2), ("text", 0, 3)]


def test_text_of_another_epoch_or_at_another_place_is_refused() -> None:
    run = _run("ab")
    assert not run.append(2, "text", 2, b"x")
    assert not run.append(1, "text", 1, b"x")
    assert not run.append(1, "text", 3, b"x")
    assert bytes(run.parts["text"].data) == b"ab"


def test_the_end_comes_after_the_last_byte() -> None:
    run = _run()
    link = _join(run, Link())
    _say(run, "Hello")
    run.finish(ended())
    run.flush()
    assert link.types == ["run.delta", "run.completed"]


def test_a_slow_viewer_gets_the_rest_and_only_then_the_end() -> None:
    run = _run()
    slow = Link(room=1)
    cursor = run.add_cursor(slow, {})
    _say(run, "one ")
    run.flush()
    _say(run, "two")
    run.finish(ended())
    run.flush()
    assert slow.types == ["run.delta"]
    slow.drain(room=1)
    run.advance(cursor)
    assert slow.types == ["run.delta", "run.delta"]
    slow.drain()
    run.advance(cursor)
    assert slow.types == ["run.delta", "run.delta", "run.completed"]


def test_the_end_is_sent_once_however_often_the_connection_drains() -> None:
    run = _run("x")
    link = Link()
    cursor = run.add_cursor(link, {})
    run.finish(ended())
    run.flush()
    run.advance(cursor)
    run.flush()
    assert link.types.count("run.completed") == 1
    assert run.cursors == set()


def test_a_new_epoch_resets_every_viewer_and_carries_the_kept_prefix() -> None:
    run = _run()
    link = _join(run, Link())
    _say(run, "Hello wor")
    run.flush()
    run.restart(head(2), {"text": b"Hello"})
    run.advance_all()
    assert [(e["type"], e["epoch"], e.get("at"), e.get("text")) for e in link.seen[1:]] == [
        ("run.reset", 2, None, None),
        ("run.delta", 2, 0, "Hello"),
    ]
    _say(run, " there")
    run.flush()
    assert link.text() == "Hello there"


def test_a_viewer_who_was_blocked_over_a_new_epoch_is_reset_when_it_reads_again() -> None:
    run = _run()
    slow = Link()
    cursor = run.add_cursor(slow, {})
    _say(run, "old")
    run.flush()
    slow.block()
    run.restart(head(2), {})
    run.advance_all()
    _say(run, "new")
    slow.drain()
    run.flush()
    run.advance(cursor)
    assert slow.types == ["run.delta", "run.reset", "run.delta"]
    assert slow.text() == "new"


def test_a_viewer_that_blocks_at_the_reset_gets_the_text_later() -> None:
    run = _run("kept")
    slow = Link(room=1)
    cursor = run.add_cursor(slow, {"text": (9, 1)})
    run.advance(cursor)
    assert slow.types == ["run.reset"]
    slow.drain()
    run.advance(cursor)
    assert slow.text() == "kept"


def test_a_viewer_that_was_blocked_gets_the_rest_in_pieces_of_whole_characters() -> None:
    run, link = LiveRun(head(), {}), Link()
    run.add_cursor(link, {})
    link.blocked = True
    text = "é" * PIECE_BYTES
    run.append(1, "text", 0, text.encode())
    run.flush()
    link.blocked = False
    [cursor] = run.cursors
    run.catch_up(cursor)
    pieces = [event["text"] for event in link.seen if event["type"] == "run.delta"]
    assert len(pieces) == 2
    assert "".join(pieces) == text
