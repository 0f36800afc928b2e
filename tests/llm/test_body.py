"""Heads and bodies of HTTP/1.1 answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zgpt.llm.body import MAX_CHUNK_LINE_BYTES, MAX_HEAD_BYTES, BadHttpError, Body, Head, parse_head, split_head

from .test_sse import cut

CHUNKED = Head(200, {"transfer-encoding": "chunked"})


def read(head: Head, pieces: list[bytes]) -> tuple[bytes, bool]:
    body = Body(head)
    return b"".join(body.feed(piece) for piece in pieces), body.done


def chunk(data: bytes, more: bytes = b"") -> bytes:
    return b"%X%s\r\n%s\r\n" % (len(data), more, data)


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=8),
    st.sampled_from([b"", b";a=b", b" ; x"]),
    st.sampled_from([b"", b"X-Sum: 1\r\nY: 2\r\n"]),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_any_cut_of_a_chunked_body_gives_its_content(
    parts: list[bytes], extension: bytes, trailer: bytes, places: list[int]
) -> None:
    wire = b"".join(chunk(part, extension) for part in parts) + b"0\r\n" + trailer + b"\r\n"
    assert read(CHUNKED, cut(wire, places)) == (b"".join(parts), True)


def test_a_chunk_per_read_is_the_content_of_each() -> None:
    body = Body(CHUNKED)
    assert [body.feed(chunk(part)) for part in (b"a" * 5000, b"b" * 200, b"c")] == [b"a" * 5000, b"b" * 200, b"c"]
    assert not body.done


def test_a_read_that_looks_like_a_chunk_inside_a_chunk_is_content() -> None:
    inner = b"5\r\nhello\r\n"
    wire = chunk(b"xx" + inner + b"yy")
    body = Body(CHUNKED)
    assert b"".join([body.feed(wire[:5]), body.feed(inner), body.feed(wire[5 + len(inner) :])]) == b"xx" + inner + b"yy"


@pytest.mark.parametrize(
    "wire", [b"zz\r\n", b"-1\r\n", b"+5\r\nhello\r\n", b"0x5\r\n", b"\r\n", b"5\r\nhelloXX", b"5" * 20]
)
def test_broken_framing_is_refused(wire: bytes) -> None:
    with pytest.raises(BadHttpError):
        read(CHUNKED, [wire + b"\r\n", b"x" * MAX_CHUNK_LINE_BYTES * 2])


def test_a_chunk_line_without_an_end_is_bounded() -> None:
    with pytest.raises(BadHttpError):
        read(CHUNKED, [b"5;" + b"x" * MAX_CHUNK_LINE_BYTES])


@given(st.binary(max_size=100), st.lists(st.integers(0, 10_000), max_size=5))
def test_a_body_with_a_length_ends_there(data: bytes, places: list[int]) -> None:
    head = Head(200, {"content-length": str(len(data))})
    assert read(head, cut(data + b"more", places)) == (data, True)


def test_a_body_without_framing_ends_with_the_connection() -> None:
    assert read(Head(200, {}), [b"a", b"b"]) == (b"ab", False)


@pytest.mark.parametrize(
    "headers",
    [
        {"transfer-encoding": "gzip, chunked"},
        {"content-encoding": "gzip"},
        {"content-length": "-1"},
        {"content-length": "1, 2"},
        {"content-length": "x"},
    ],
)
def test_framing_and_codings_that_were_not_asked_for_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadHttpError):
        Body(Head(200, headers))


def test_a_repeated_length_that_agrees_is_one_length() -> None:
    assert Body(Head(200, {"content-length": "3, 3"})).length == 3


def test_a_head_is_not_whole_until_its_empty_line() -> None:
    wire = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\nX: 1\r\nx: 2\r\n\r\nrest"
    for place in range(wire.index(b"\r\n\r\n") + 4):
        assert split_head(wire[:place]) is None
    head, rest = split_head(wire) or pytest.fail("not whole")
    assert (head.status, head.media_type, head.headers["x"], rest) == (200, "text/event-stream", "1, 2", b"rest")


def test_interim_heads_are_skipped() -> None:
    wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n"
    assert split_head(wire) == (Head(204, {}), b"")


@pytest.mark.parametrize(
    "wire",
    [
        b"<html>",
        b"SSH-2.0-OpenSSH",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n Folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
    ],
)
def test_what_is_no_head_is_refused(wire: bytes) -> None:
    with pytest.raises(BadHttpError):
        split_head(wire)


def test_a_status_line_needs_no_reason() -> None:
    assert parse_head(b"HTTP/1.0 503").status == 503
