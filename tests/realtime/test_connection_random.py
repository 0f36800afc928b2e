"""Whatever handler, peer and clock do, in whatever order: one open, one close, nothing after it, nothing left."""

import contextlib
from collections.abc import Callable

import gevent
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.realtime.lines import Line, still_engine
from tests.support.ws_frames import CLOSE, CONTINUATION, PING, TEXT, encode
from zgpt.realtime.frames import encode_text

ACTIONS: dict[str, Callable[[Line], object]] = {
    "send text": lambda line: line.send(TEXT, b"hello"),
    "send a fragment": lambda line: line.send(TEXT, b"hel", fin=False),
    "end a fragment": lambda line: line.send(CONTINUATION, b"lo"),
    "send half a frame": lambda line: line.peer.sendall(encode(TEXT, b"hello")[:5]),
    "send rubbish": lambda line: line.peer.sendall(b"\xff\xff\xff"),
    "ping": lambda line: line.send(PING, b"p"),
    "peer closes": lambda line: line.send(CLOSE, b"\x03\xe8"),
    "peer hangs up": lambda line: line.peer.close(),
    "peer resets": lambda line: line.reset(),
    "peer reads": lambda line: line.peer.recv(100_000) if line.conn.blocked else None,
    "flood": lambda line: line.peer.sendall(encode(TEXT, b"") * 200),
    "offer": lambda line: line.conn.offer(b"event"),
    "send a frame": lambda line: line.conn.send_frame(encode_text(b"delta")),
    "send a large frame": lambda line: line.conn.send_frame(encode_text(b"x" * 5_000_000)),
    "pause": lambda line: line.conn.pause_reading(),
    "resume": lambda line: line.conn.resume_reading(),
    "close": lambda line: line.conn.close(1001),
    "second": lambda line: line.tick(1),
    "half a minute": lambda line: line.tick(30),
    "loop": lambda line: gevent.sleep(0.001),
}


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=12))
def test_every_story_has_one_beginning_and_one_end(story: list[str]) -> None:
    engine = still_engine()
    line = Line(engine)
    for action in story:
        # What the peer does on a socket that is gone fails on its side, as it should.
        with contextlib.suppress(OSError):
            ACTIONS[action](line)
    line.conn.close(1001)
    line.tick(3)
    line.told.wait("close")
    gevent.sleep(0)
    line.peer.close()
    kinds = [call[0] for call in line.told.calls]
    assert kinds[0] == "open"
    assert kinds.count("open") == kinds.count("close") == 1
    assert kinds[-1] == "close"
    assert not engine.connections
    assert engine.ticker._deadlines == {}
    assert engine.ticker._timer is None
