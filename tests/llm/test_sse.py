"""The parser of Server-Sent Events."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zgpt.llm.sse import MAX_LINE_BYTES, SseParser, SseTooLargeError

LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b"data: ", b": comment", b"event: x", b"id", b"x: y", b"", b""]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


def feed(pieces: list[bytes]) -> list[bytes]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(marks)]


def slow_reference(text: bytes) -> list[bytes]:
    """The standard's algorithm, line by line, on the whole text at once."""
    text = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[bytes] = []
    data: list[bytes] = []
    for line in text.split(b"\n")[:-1]:
        name, colon, value = line.partition(b":")
        if not line and data:
            events.append(b"\n".join(data))
            data = []
        elif name == b"data":
            data.append(value.removeprefix(b" ") if colon else b"")
    return events


@given(st.lists(st.tuples(LINES, ENDS)), st.booleans(), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_of_a_stream_gives_the_events_of_the_standard(
    lines: list[tuple[bytes, bytes]], bom: bool, places: list[int]
) -> None:
    # A CR followed by a line that ends with LF only would be one CRLF: the reference sees the same bytes.
    text = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    assert feed(cut(text, places)) == slow_reference(text)


@given(st.binary(max_size=300), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_of_any_bytes_gives_the_same_events(data: bytes, places: list[int]) -> None:
    assert feed(cut(data, places)) == feed([data]) == slow_reference(data)


def test_every_single_cut_of_a_token_gives_the_token() -> None:
    text = b'data: {"a":1}\n\ndata: {"b":2}\r\n\r\n'
    for place in range(len(text) + 1):
        assert feed([text[:place], text[place:]]) == [b'{"a":1}', b'{"b":2}']


def test_the_quick_way_is_taken_only_between_events() -> None:
    parser = SseParser()
    assert parser.feed(b"data: a\n\n") == [b"a"]
    assert parser.feed(b"data: b\n\n") == [b"b"]
    assert parser.feed(b"data: c\n") == []
    assert parser.feed(b"data: d\n\n") == [b"c\nd"]


def test_an_event_that_did_not_end_is_not_told() -> None:
    assert feed([b"data: a\n\ndata: b\n"]) == [b"a"]


def test_a_line_at_the_bound_is_taken_and_one_above_refused() -> None:
    most = b"x" * (MAX_LINE_BYTES - len(b"data: "))
    assert feed([b"data: " + most + b"\n\n"]) == [most]
    with pytest.raises(SseTooLargeError):
        feed([b"data: x" + most + b"\n\n"])


def test_a_line_without_an_end_is_refused_and_not_collected() -> None:
    with pytest.raises(SseTooLargeError):
        feed([b"x" * 1000] * (MAX_LINE_BYTES // 1000 + 1))


def test_an_event_of_many_lines_is_bounded_too() -> None:
    with pytest.raises(SseTooLargeError):
        feed([b"data: " + b"x" * 100 + b"\n"] * (MAX_LINE_BYTES // 100 + 1))
