"""Check 10: who is slow, silent or deaf is sent away in time, and nobody else notices.

The clients that wait do so side by side: the file takes as long as the slowest of them.
"""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.security.chats import begun_chat, person, socket_of
from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.support.strain import MIB, memory_bytes
from tests.support.ws_client import Client
from tests.support.ws_frames import PING, encode

CUT_S = 10.0
HELLO_CUT_S = 11.5
"""The deadline of ten seconds, and the second between two looks of the clock that watches it."""
GIVE_UP_S = 20.0
STALL_S = 2.0
SLOW_CLIENTS = ("header", "silent", "request", "no-hello", "half-frame")
PINGS = 30_000


@pytest.fixture(scope="module")
def patient(make_house: MakeHouse) -> House:
    """A server with the time-outs of every day, except for how long a stopped reader is kept."""
    return make_house(SEND_STALL_S=str(STALL_S))


def open_socket(made: House) -> socket.socket:
    return socket.create_connection(("127.0.0.1", made.server.port), timeout=GIVE_UP_S)


def until_the_end(sock: socket.socket) -> None:
    while sock.recv(65_536):
        pass


def drip(made: House, request: bytes, gap_s: float) -> None:
    """One byte after the other, until the server has enough of it."""
    with open_socket(made) as sock:
        sock.settimeout(gap_s)
        for at in range(len(request)):
            sock.sendall(request[at : at + 1])
            try:
                if not sock.recv(65_536):
                    return
            except TimeoutError:
                continue
        raise AssertionError("the whole request was taken")


def say_nothing(made: House, begin: bytes = b"") -> None:
    with open_socket(made) as sock:
        sock.sendall(begin)
        until_the_end(sock)


def no_hello(made: House, data: bytes = b"") -> None:
    client = Client(made.server.url).connect()
    client.send_bytes(data)
    assert client.wait_closed(GIVE_UP_S).code == 4003


def slow_client(made: House, kind: str) -> Callable[[], None]:
    head = b"GET /api/v1/app HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 20 + b"\r\n"
    return {
        "header": lambda: drip(made, head, 0.5),
        "silent": lambda: say_nothing(made),
        "request": lambda: say_nothing(made, head[:-2]),
        "no-hello": lambda: no_hello(made),
        "half-frame": lambda: no_hello(made, encode(1, b'{"type":"hello"')[:9]),
    }[kind]


@pytest.fixture(scope="module")
def times_s(patient: House) -> dict[str, float]:
    """How long each slow client lasted; the other checks run meanwhile would only disturb the clock."""
    times: dict[str, float] = {}

    def last(kind: str) -> None:
        begun = time.monotonic()
        slow_client(patient, kind)()
        times[kind] = time.monotonic() - begun

    clients = [threading.Thread(target=last, args=(kind,)) for kind in SLOW_CLIENTS]
    for client in clients:
        client.start()
    for client in clients:
        client.join(GIVE_UP_S + 5)
    return times


@pytest.mark.parametrize("kind", SLOW_CLIENTS)
def test_sec_10_a_slow_client_is_cut_after_ten_seconds(times_s: dict[str, float], kind: str) -> None:
    assert times_s[kind] < (HELLO_CUT_S if kind in {"no-hello", "half-frame"} else CUT_S)


def test_sec_10_a_socket_without_hello_is_not_cut_early(times_s: dict[str, float]) -> None:
    assert times_s["no-hello"] > 8


def test_sec_10_who_never_reads_is_closed_and_nobody_else_notices(patient: House) -> None:
    deaf = person(patient)
    live = begun_chat(person(patient), "count:150@50")
    before = memory_bytes(patient.server)
    reader = Client(patient.server.url, receive_buffer=4_096).connect()
    reader.hello(deaf.token)
    for at in range(50):
        # Each answer is a message of 30 KB that nobody reads.
        reader.send({"type": "message.send", "id": str(at), "client_id": _name(at), "text": "x" * 30_000})
    with socket_of(live.owner) as viewer:
        viewer.transcript.session_id = live.session_id
        viewer.open()
        viewer.see_the_end(live.run_id, 30)
        assert viewer.transcript.completed[live.run_id]["status"] == "completed"
        assert viewer.connections == 1
    assert reader.wait_closed(30).code in {4000, 4001, 1006}
    assert memory_bytes(patient.server) - before < 32 * MIB


def test_sec_10_a_flood_of_pings_that_reads_no_answer_is_closed(patient: House) -> None:
    flood = Client(patient.server.url, receive_buffer=4_096).connect()
    flood.hello(person(patient).token)
    before = memory_bytes(patient.server)
    batch = encode(PING, b"p" * 125) * 100
    closed = threading.Event()

    def ping() -> None:
        try:
            for _ in range(PINGS // 100):
                flood.send_bytes(batch)
        except Exception:  # noqa: BLE001 - however it ends, it has ended
            closed.set()

    sender = threading.Thread(target=ping)
    sender.start()
    with socket_of(person(patient)) as viewer:
        begun = time.monotonic()
        viewer.online.command("ping")
        assert time.monotonic() - begun < 2
    sender.join(GIVE_UP_S)
    assert not sender.is_alive()
    assert memory_bytes(patient.server) - before < 8 * MIB
    if not closed.is_set():
        assert flood.wait_closed(GIVE_UP_S).code in {4000, 4001, 1006}


def _name(at: int) -> str:
    return f"00000000-0000-4000-8000-{at:012d}"
