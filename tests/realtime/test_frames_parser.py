"""What a client may send, and what is refused with which code (RFC 6455 §5, §7.4, §8.1)."""

import struct

import pytest

from tests.support.ws_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode
from zgpt.realtime.parser import EMPTY_FRAGMENTS, Event, FrameError, FrameParser, parse_close

LIMIT = 1_000


def parse(data: bytes, limit: int = LIMIT) -> list[Event]:
    parser = FrameParser(limit)
    parser.feed(data)
    events = []
    while (event := parser.next_event()) is not None:
        events.append(event)
    return events


def fault(data: bytes) -> tuple[int, str]:
    with pytest.raises(FrameError) as caught:
        parse(data)
    return caught.value.code, caught.value.name


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 999, LIMIT])
def test_a_message_of_any_size_up_to_the_limit_arrives(size: int) -> None:
    assert parse(encode(TEXT, b"x" * size)) == [(TEXT, b"x" * size)]


def test_a_message_of_more_than_64_kib_arrives() -> None:
    data = bytes(range(256)) * 300
    assert parse(encode(BINARY, data), 100_000) == [(BINARY, data)]


def test_several_frames_in_one_read_arrive_in_order() -> None:
    stream = encode(TEXT, "é".encode()) + encode(PING, b"p") + encode(BINARY, b"\xff") + encode(PONG, b"")
    assert parse(stream) == [(TEXT, "é".encode()), (PING, b"p"), (BINARY, b"\xff"), (PONG, b"")]


def test_fragments_become_one_message_with_a_ping_in_between() -> None:
    stream = encode(TEXT, b"\xc3", fin=False) + encode(PING, b"p") + encode(CONTINUATION, b"\xa9")
    assert parse(stream) == [(PING, b"p"), (TEXT, "é".encode())]


def test_fragments_of_a_binary_message_need_not_be_text() -> None:
    assert parse(encode(BINARY, b"\xff", fin=False) + encode(CONTINUATION, b"\xfe")) == [(BINARY, b"\xff\xfe")]


def test_a_parser_holds_nothing_between_messages_and_something_within() -> None:
    parser = FrameParser(LIMIT)
    frame = encode(TEXT, b"hello")
    for part in (frame[:3], frame[3:]):
        parser.feed(part)
        parser.next_event()
    assert parser.idle
    parser.feed(encode(TEXT, b"a", fin=False))
    assert parser.next_event() is None
    assert not parser.idle


def test_a_read_that_is_used_up_is_let_go_while_a_message_waits_for_its_rest() -> None:
    parser = FrameParser(LIMIT)
    parser.feed(encode(TEXT, b"a" * 500, fin=False))
    assert parser.next_event() is None
    assert parser._data == b""


def test_a_message_above_the_limit_is_refused_before_it_has_arrived() -> None:
    assert fault(encode(TEXT, b"x" * (LIMIT + 1))[:10]) == (1009, "too_big")


def test_fragments_that_grow_above_the_limit_are_refused() -> None:
    stream = encode(TEXT, b"x" * LIMIT, fin=False) + encode(CONTINUATION, b"x")
    assert fault(stream) == (1009, "too_big")


def test_a_frame_without_a_mask_is_refused() -> None:
    assert fault(b"\x81\x01") == (1002, "not_masked")


@pytest.mark.parametrize("bit", [0x10, 0x20, 0x40])
def test_reserved_bits_are_refused(bit: int) -> None:
    assert fault(bytes([0x81 | bit, 0x80])) == (1002, "reserved_bits")


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING])
def test_sec_09_a_compressed_message_that_is_too_long_is_told_its_size(opcode: int) -> None:
    head = bytes([0xC0 | opcode, 0xFF]) + (1 << 20).to_bytes(8, "big")
    assert parse(head[:-1]) == []
    assert fault(head + b"mask") == ((1002, "reserved_bits") if opcode == PING else (1009, "too_big"))


def test_a_compressed_message_that_is_not_too_long_is_refused_too() -> None:
    assert fault(bytes([0xC1, 0xFE]) + LIMIT.to_bytes(2, "big") + b"mask") == (1002, "reserved_bits")


@pytest.mark.parametrize("opcode", [0x3, 0x7, 0xB, 0xF])
def test_reserved_opcodes_are_refused(opcode: int) -> None:
    assert fault(encode(opcode, b"")) == (1002, "bad_opcode")


def test_a_continuation_of_nothing_is_refused() -> None:
    assert fault(encode(CONTINUATION, b"x")) == (1002, "bad_fragment")


def test_a_new_message_within_a_fragmented_one_is_refused() -> None:
    assert fault(encode(TEXT, b"x", fin=False) + encode(TEXT, b"y")) == (1002, "bad_fragment")


def test_a_fragmented_control_frame_is_refused() -> None:
    assert fault(encode(PING, b"", fin=False)) == (1002, "bad_control")


def test_a_long_control_frame_is_refused() -> None:
    assert fault(encode(PING, b"x" * 126)) == (1002, "bad_control")


@pytest.mark.parametrize(
    "length",
    [b"\xfe" + struct.pack(">H", 125), b"\xff" + struct.pack(">Q", 65_535), b"\xff" + struct.pack(">Q", 1 << 63)],
    ids=["16 bits for 125", "64 bits for 65535", "sign bit"],
)
def test_a_length_that_is_not_the_shortest_is_refused(length: bytes) -> None:
    assert fault(b"\x81" + length + b"mask") == (1002, "bad_length")


def test_text_that_is_not_utf8_is_refused() -> None:
    assert fault(encode(TEXT, b"\xed\xa0\x80")) == (1007, "bad_utf8")


def test_bad_utf8_in_a_fragment_is_refused_before_the_message_ends() -> None:
    assert fault(encode(TEXT, b"ok\xff", fin=False)) == (1007, "bad_utf8")


def test_text_that_ends_within_a_character_is_refused() -> None:
    assert fault(encode(TEXT, b"\xc3", fin=False) + encode(CONTINUATION, b"")) == (1007, "bad_utf8")


def test_a_close_frame_is_an_event_of_its_own() -> None:
    assert parse(encode(CLOSE, b"\x03\xe8bye")) == [(CLOSE, b"\x03\xe8bye")]


def test_a_close_payload_is_a_code_and_a_reason() -> None:
    assert parse_close(b"") == (1005, "")
    assert parse_close(b"\x03\xe8") == (1000, "")
    assert parse_close(b"\x0f\xa0" + "grüße".encode()) == (4000, "grüße")


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\xed", b"\x00\x00", b"\xff\xff"])
def test_a_close_payload_that_nobody_may_send_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        parse_close(payload)
    assert (caught.value.code, caught.value.name) == (1002, "bad_close")


def test_a_close_reason_must_be_utf8() -> None:
    with pytest.raises(FrameError) as caught:
        parse_close(b"\x03\xe8\xff")
    assert caught.value.code == 1007


def test_a_long_message_in_many_reads_arrives() -> None:
    frame = encode(TEXT, b"x" * 900)
    parser = FrameParser(LIMIT)
    seen = []
    for at in range(0, len(frame), 100):
        parser.feed(frame[at : at + 100])
        seen.append(parser.next_event())
    assert seen[-1] == (TEXT, b"x" * 900)
    assert seen[:-1] == [None] * (len(seen) - 1)


def test_what_follows_a_message_in_the_same_read_is_kept() -> None:
    first, second = encode(TEXT, b"x" * 50), encode(TEXT, b"y" * 50)
    parser = FrameParser(LIMIT)
    parser.feed(first[:10])
    assert parser.next_event() is None
    parser.feed(first[10:] + second[:10])
    assert parser.next_event() == (TEXT, b"x" * 50)
    assert parser.next_event() is None
    parser.feed(second[10:])
    assert parser.next_event() == (TEXT, b"y" * 50)


@pytest.mark.parametrize("size", [300, 66_000])
def test_a_length_may_arrive_byte_by_byte(size: int) -> None:
    frame = encode(BINARY, b"x" * size)
    parser = FrameParser(size)
    for at in range(14):
        parser.feed(frame[at : at + 1])
        assert parser.next_event() is None
    parser.feed(frame[14:])
    assert parser.next_event() == (BINARY, b"x" * size)


def test_a_control_frame_with_a_long_length_is_refused_when_the_length_is_there() -> None:
    parser = FrameParser(LIMIT)
    parser.feed(encode(PING, b"x" * 200)[:3])
    with pytest.raises(FrameError):
        parser.next_event()


@pytest.mark.parametrize("empty", [0, 100])
def test_some_fragments_of_a_message_may_be_empty(empty: int) -> None:
    fragments = encode(CONTINUATION, b"", fin=False) * empty
    assert parse(encode(TEXT, b"a", fin=False) + fragments + encode(CONTINUATION, b"b")) == [(TEXT, b"ab")]


def test_sec_08_a_message_of_nothing_but_empty_fragments_is_refused() -> None:
    code, name = fault(encode(TEXT, b"", fin=False) + encode(CONTINUATION, b"", fin=False) * EMPTY_FRAGMENTS)
    assert (code, name) == (1002, "bad_fragment")
