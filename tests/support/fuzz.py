"""What the WebSocket fuzzer says: frames that may be broken in any way, and commands from valid to mutated nonsense.

Strategies of hypothesis; no sockets. The examples of the protocol are what is mutated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.support.ws_frames import BINARY, CONTINUATION, TEXT, encode, mask

Json = dict[str, Any]
EXAMPLES: list[Json] = [
    json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "protocol" / "commands").glob("*.json"))
]
KEY = b"\x37\xfa\x21\x3d"
NAMES = sorted({name for example in EXAMPLES for name in example} | {"__proto__", "user_id", "", "id\u0000"})

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.uuids().map(str)
    | st.sampled_from(["ping", "hello", "session.open", "../..", "\ud800", "\u0000", "9" * 400]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def mutated(example: Json, changes: list[tuple[str, Any]], dropped: list[str]) -> bytes:
    """The example with some fields set to anything, and some left out."""
    frame = {**example, **dict(changes)}
    for name in dropped:
        frame.pop(name, None)
    return json.dumps(frame, ensure_ascii=True).encode()


mutated_commands: st.SearchStrategy[bytes] = st.builds(
    mutated,
    st.sampled_from(EXAMPLES),
    st.lists(st.tuples(st.sampled_from(NAMES), json_values), max_size=3),
    st.lists(st.sampled_from(NAMES), max_size=2),
)


def cut_or_flipped(text: bytes, at: int, byte: int, cut: bool) -> bytes:
    """The text with one byte changed, or without its end."""
    at %= max(1, len(text))
    return text[:at] if cut else text[:at] + bytes([byte]) + text[at + 1 :]


broken_commands: st.SearchStrategy[bytes] = st.builds(
    cut_or_flipped, mutated_commands, st.integers(0, 500), st.integers(0, 255), st.booleans()
)
nonsense: st.SearchStrategy[bytes] = mutated_commands | json_values.map(lambda value: json.dumps(value).encode())
"""JSON in UTF-8, whatever it says: no reason to close a socket."""
texts: st.SearchStrategy[bytes] = nonsense | broken_commands | st.binary(max_size=200)


def raw_frame(first: int, masked: bool, width: int, lie: int, payload: bytes) -> bytes:
    """A frame with any first byte, its length in 7, 16 or 64 bits, off by `lie`, with or without a mask."""
    size = max(0, len(payload) + lie)
    bit = 0x80 if masked else 0
    if width == 7:
        length = bytes([bit | min(size, 125)])
    else:
        length = bytes([bit | (126 if width == 16 else 127)]) + (size % 2**width).to_bytes(width // 8, "big")
    body = KEY + mask(payload, KEY) if masked else payload
    return bytes([first]) + length + body


raw_frames: st.SearchStrategy[bytes] = st.builds(
    raw_frame,
    st.integers(0, 255) | st.sampled_from([0x81, 0x01, 0x80, 0x00, 0x88, 0x89, 0x8A, 0x82, 0xC1]),
    st.sampled_from([True, True, True, True, True, False]),
    st.sampled_from([7, 7, 7, 16, 64]),
    st.sampled_from([0, 0, 0, 0, 0, 1, -1, 5, 70_000, 2**40]),
    st.binary(max_size=130),
)
whole_frames: st.SearchStrategy[bytes] = st.builds(
    lambda opcode, payload: encode(opcode, payload[:125] if opcode > BINARY else payload),
    st.sampled_from([TEXT, TEXT, TEXT, TEXT, 0x9, 0xA]),
    texts,
)


def fragments(text: bytes, cuts: list[int], between: bytes) -> bytes:
    """The text in fragments, with a ping between them."""
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    last = len(pieces) - 1
    frames = [encode(CONTINUATION if at else TEXT, piece, fin=at == last) for at, piece in enumerate(pieces)]
    return encode(0x9, between).join(frames)


fragmented: st.SearchStrategy[bytes] = st.builds(
    fragments, mutated_commands, st.lists(st.integers(0, 400), max_size=5), st.binary(max_size=20)
)
