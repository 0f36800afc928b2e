"""Events as bytes, and positions that come back as they went out."""

import pytest

from zgpt.core.errors import Invalid
from zgpt.realtime import sse


def test_an_event_says_its_type_its_position_and_its_json() -> None:
    encoded = sse.encode("run.delta", "1-0-5", b'{"text":"a\\nb"}')
    assert encoded == b'event: run.delta\nid: 1-0-5\ndata: {"text":"a\\nb"}\n\n'


@pytest.mark.parametrize(("epoch", "reasoning", "text"), [(1, 0, 0), (3, 17, 1_048_576)])
def test_a_position_comes_back_as_it_went_out(epoch: int, reasoning: int, text: int) -> None:
    position = sse.position(epoch, {"reasoning": reasoning, "text": text})
    assert sse.parse_position(position) == {"reasoning": (epoch, reasoning), "text": (epoch, text)}


def test_without_a_position_nothing_is_held() -> None:
    assert sse.parse_position("") == {}


@pytest.mark.parametrize("text", ["x", "1-2", "1-2-3-4", "-1-2-3", "1-2-99999999999", "１-2-3", "1-2-3\n"])
def test_what_is_no_position_is_told_so(text: str) -> None:
    with pytest.raises(Invalid):
        sse.parse_position(text)
