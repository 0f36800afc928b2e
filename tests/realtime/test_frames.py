"""What the server sends, byte for byte (RFC 6455 §5.2, §5.5)."""

import struct

import pytest

from zgpt.realtime import frames


@pytest.mark.parametrize("size", [0, 1, 125])
def test_a_short_payload_has_its_size_in_the_second_byte(size: int) -> None:
    assert frames.encode_text(b"x" * size) == bytes([0x81, size]) + b"x" * size


@pytest.mark.parametrize("size", [126, 65_535])
def test_a_longer_payload_has_its_size_in_16_bits(size: int) -> None:
    assert frames.encode_text(b"x" * size)[:4] == bytes([0x81, 126]) + size.to_bytes(2, "big")


def test_a_large_payload_has_its_size_in_64_bits() -> None:
    frame = frames.encode_binary(b"x" * 65_536)
    assert frame[:10] == bytes([0x82, 127]) + (65_536).to_bytes(8, "big")
    assert len(frame) == 10 + 65_536


def test_control_frames_carry_their_payload() -> None:
    assert frames.encode_ping(b"a") == b"\x89\x01a"
    assert frames.encode_pong(b"a") == b"\x8a\x01a"


def test_a_close_frame_without_a_code_is_empty() -> None:
    assert frames.encode_close() == b"\x88\x00"


def test_a_close_frame_carries_code_and_reason() -> None:
    assert frames.encode_close(4001, "slow") == b"\x88\x06" + struct.pack(">H", 4001) + b"slow"


def test_a_long_reason_is_cut_at_a_whole_character() -> None:
    frame = frames.encode_close(1000, "é" * 100)
    assert len(frame) == 2 + 2 + 122
    assert frame[4:].decode() == "é" * 61
