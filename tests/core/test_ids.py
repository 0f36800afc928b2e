"""Ids."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from zgpt.core import clock, ids


def test_an_id_is_a_uuid_of_version_7_that_carries_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests move the clock forward, and ids keep rising from there.
    monkeypatch.setattr(ids, "_last_tick", 0)
    made = uuid.UUID(ids.new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert abs((made.int >> 80) - clock.now_ms()) < 1_000


def test_ids_rise_even_when_made_by_many_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        bunches = list(pool.map(lambda _: [ids.new_id() for _ in range(500)], range(8)))
    assert all(bunch == sorted(bunch) for bunch in bunches)
    assert len({made for bunch in bunches for made in bunch}) == 4_000


def test_ids_still_rise_when_the_clock_is_set_back() -> None:
    before = ids.new_id()
    with clock.moved(-3_600):
        assert ids.new_id() > before


def test_an_id_is_parsed_into_its_canonical_form() -> None:
    assert ids.parse_id("01900000-ABCD-7000-8000-00000000000F") == "01900000-abcd-7000-8000-00000000000f"


@pytest.mark.parametrize(
    "text", ["", "x", "01900000abcd70008000000000000000", "{1900000-abcd-7000-8000-00000000000}", "1" * 36]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"id|hexadecimal|UUID"):
        ids.parse_id(text)
