"""However the network cuts a stream, the parser says the same; whatever it is fed, it answers or refuses."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ws_frames import BINARY, CONTINUATION, PING, TEXT, encode
from zgpt.realtime.parser import Event, FrameError, FrameParser

LIMIT = 2_000
Told = list[Event | tuple[str, int]]

messages = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.just(PING), st.binary(max_size=125)),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames of honest messages, some fragmented, sometimes with a little damage."""
    stream = b"".join(_encoded(draw, *message) for message in draw(st.lists(messages, max_size=6)))
    if stream and draw(st.booleans()):
        at = draw(st.integers(0, len(stream) - 1))
        stream = stream[:at] + bytes([draw(st.integers(0, 255))]) + stream[at + 1 :]
    return stream


def _encoded(draw: st.DrawFn, opcode: int, payload: bytes) -> bytes:
    if opcode == PING or not draw(st.booleans()):
        return encode(opcode, payload)
    cut = draw(st.integers(0, len(payload)))
    return encode(opcode, payload[:cut], fin=False) + encode(CONTINUATION, payload[cut:])


def tell(pieces: list[bytes]) -> Told:
    """The events, and the fault that ended them."""
    parser = FrameParser(LIMIT)
    told: Told = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (event := parser.next_event()) is not None:
                told.append(event)
    except FrameError as fault:
        told.append((fault.name, fault.code))
    return told


@settings(max_examples=300, deadline=None)
@given(streams(), st.lists(st.integers(0, 5_000), max_size=12))
def test_any_split_of_a_stream_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert tell(pieces) == tell([stream])


@settings(max_examples=100, deadline=None)
@given(streams())
def test_a_stream_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert tell([stream[at : at + 1] for at in range(len(stream))]) == tell([stream])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish_is_refused_or_waited_for_and_never_breaks_the_parser(rubbish: bytes) -> None:
    for told in tell([rubbish]):
        assert isinstance(told, tuple)
