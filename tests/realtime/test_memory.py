"""Whether a process has grown too large."""

from pathlib import Path

import pytest

from zgpt.core import clock
from zgpt.realtime import memory
from zgpt.realtime.memory import LOOK_S, Watch, resident_bytes


@pytest.mark.parametrize(("limit", "over"), [("1", True), ("1048576", False), ("", False), ("much", False)])
def test_it_is_over_when_it_holds_more_than_the_limit(monkeypatch: pytest.MonkeyPatch, limit: str, over: bool) -> None:
    monkeypatch.setenv("WORKER_MEMORY_MB", limit)
    watch = Watch()
    assert not watch.is_over(), "the first look is due later"
    with clock.moved(LOOK_S + 1):
        assert watch.is_over() is over
        assert not watch.is_over(), "and the next one later still"


def test_where_the_kernel_does_not_tell_it_is_never_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert resident_bytes() > 1 << 20
    monkeypatch.setattr(memory, "_STATM", tmp_path / "nowhere")
    assert resident_bytes() == 0
