"""The clock."""

from datetime import UTC, datetime, timedelta, timezone

from zgpt.core import clock


def test_now_is_aware_and_agrees_with_its_milliseconds() -> None:
    before_ms = clock.now_ms()
    now = clock.now()
    assert now.tzinfo is UTC
    assert before_ms <= now.timestamp() * 1_000 <= clock.now_ms() + 1


def test_iso_is_utc_with_milliseconds_and_a_z() -> None:
    moment = datetime(2026, 11, 22, 10, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=1)))
    assert clock.iso(moment) == "2026-11-22T09:30:00.123Z"


def test_a_moved_clock_moves_all_times_and_comes_back() -> None:
    real, steady = clock.now(), clock.monotonic()
    with clock.moved(3_600):
        assert timedelta(minutes=59) < clock.now() - real < timedelta(minutes=61)
        assert clock.monotonic() - steady > 3_500
    assert clock.now() - real < timedelta(minutes=1)
