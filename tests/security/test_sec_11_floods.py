"""Check 11: a flood from one client delays nobody else, and nobody opens more sockets than one may have.

What else runs on the machine delays frames too: the bound must be kept once in a few tries, since what the flood costs
it costs every time. The figures of a quiet machine are in docs/SECURITY.md.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest

from tests.security.chats import new_name, person, socket_of
from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.support.strain import MIB, counter, gaps_ms, memory_bytes, percentile
from tests.support.ws_client import Client, Closed, CommandFailed, HandshakeRefused
from tests.support.ws_frames import TEXT, encode

P99_MS = 100.0
TRIES = 4
BIG_BYTES, BIG_FRAMES = 60_000, 1_600
PER_USER, PER_NETWORK, STRANGERS = 4, 6, 8


@pytest.fixture(scope="module")
def flooded(make_house: MakeHouse) -> House:
    return make_house()


@pytest.fixture(scope="module")
def capped(make_house: MakeHouse) -> House:
    """A server behind one proxy, with few connections for each."""
    caps = {
        "MAX_CONNECTIONS_PER_USER": str(PER_USER),
        "MAX_CONNECTIONS_PER_IP": str(PER_NETWORK),
        "MAX_CONNECTIONS_WITHOUT_HELLO": str(STRANGERS),
        "TRUSTED_PROXIES": "1",
    }
    return make_house(**caps)


class Flood:
    """Sends one frame again and again until the server closes, or all are sent."""

    def __init__(self, socket: Client, frame: bytes, count: int, pause_s: float = 0.0) -> None:
        self.socket, self.frame, self.count, self.pause_s = socket, frame, count, pause_s
        self.sent = 0
        self.code = 0
        self._sender = threading.Thread(target=self._send)

    def __enter__(self) -> "Flood":
        self._sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.join(60)
        assert not self._sender.is_alive()

    def _send(self) -> None:
        try:
            for _ in range(self.count):
                self.socket.send_bytes(self.frame)
                self.sent += 1
                time.sleep(self.pause_s)  # the pace of the flood, which waits for nobody
        except Closed as closed:
            self.code = closed.code


def stream_gaps_ms(made: House, flood: Flood) -> list[float]:
    """How far apart the frames of an answer come to somebody else while the flood goes on."""
    with socket_of(person(made)) as viewer:
        viewer.ask("count:200@50", new_name())
        viewer.online.wait_for("run.delta")
        with flood:
            came = []
            for event in viewer.online.events(60):
                came.append(time.monotonic())
                if event["type"] == "run.completed":
                    break
    return gaps_ms(came)


def told(what: str, count: int, gaps: list[float]) -> float:
    """The 99th percentile of the gaps, printed with what caused them."""
    p99 = percentile(gaps, 0.99)
    print(f"{count} {what}: gaps p50 {percentile(gaps, 0.5):.1f}, p99 {p99:.1f} ms")
    return p99


def least(measured: Callable[[], float]) -> float:
    """The least of some tries; the first that keeps the bound is the last."""
    found = measured()
    for _ in range(TRIES - 1):
        if found < P99_MS:
            break
        found = min(found, measured())
    return found


def test_sec_11_large_frames_without_end_delay_nobody_else(flooded: House) -> None:
    frame = encode(TEXT, b'{"type":"ping","id":"a","x":"' + b"x" * BIG_BYTES + b'"}')

    def p99_ms() -> float:
        with closing(Client(flooded.server.url).connect()) as socket:
            socket.hello(person(flooded).token)
            flood = Flood(socket, frame, BIG_FRAMES)
            gaps = stream_gaps_ms(flooded, flood)
            assert len(gaps) > 50
            assert socket.wait_closed(30).code in {4029, 4000, 1006}
            return told("frames of 60 KB", flood.sent, gaps)

    before = memory_bytes(flooded.server)
    assert least(p99_ms) < P99_MS
    assert memory_bytes(flooded.server) - before < 16 * MIB


def test_sec_11_a_thousand_commands_a_second_are_refused_and_delay_nobody_else(flooded: House) -> None:
    def p99_ms() -> float:
        closed = counter(flooded.server, "zgpt_closes_total", 'code="4029"')
        with closing(Client(flooded.server.url).connect()) as socket:
            socket.hello(person(flooded).token)
            flood = Flood(socket, encode(TEXT, b'{"type":"ping","id":"a"}') * 10, 300, 0.01)
            gaps = stream_gaps_ms(flooded, flood)
            # Who goes on sending may find the connection reset before it has read the code.
            assert socket.wait_closed(30).code in {4029, 1006}
        assert counter(flooded.server, "zgpt_closes_total", 'code="4029"') == closed + 1
        return told("commands", flood.sent * 10, gaps)

    assert least(p99_ms) < P99_MS


def test_sec_11_one_person_has_so_many_connections_and_no_more(capped: House) -> None:
    one, other = person(capped), person(capped)
    with ExitStack() as open_now:
        for _ in range(PER_USER):
            open_now.enter_context(socket_of(one))
        late = Client(capped.server.url).connect()
        with pytest.raises(CommandFailed) as caught:
            late.hello(one.token)
        assert caught.value.code == "unavailable"
        assert late.wait_closed(5).code == 1013
        open_now.enter_context(socket_of(other))
    with socket_of(one):
        pass


def test_sec_11_one_network_has_so_many_connections_whatever_address_of_it(capped: House) -> None:
    def come(address: str) -> Client:
        return Client(capped.server.url, headers={"X-Forwarded-For": address}).connect()

    with ExitStack() as open_now:
        for at in range(PER_NETWORK):
            open_now.enter_context(come(f"2001:db8:1:1::{at + 1:x}"))
        with pytest.raises(HandshakeRefused) as caught:
            come("2001:db8:1:1:ffff::1")
        assert caught.value.status == 503
        open_now.enter_context(come("2001:db8:1:2::1"))


def test_sec_11_sockets_that_say_no_hello_are_bounded(capped: House) -> None:
    with ExitStack() as open_now:
        for _ in range(STRANGERS):
            open_now.enter_context(Client(capped.server.url).connect())
        with pytest.raises(HandshakeRefused) as caught:
            Client(capped.server.url).connect()
        assert caught.value.status == 503
