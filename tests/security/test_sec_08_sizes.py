"""Checks 8 and 9: frames that are too long, too many or compressed end with a code, and cost next to no memory."""

import os
import zlib
from collections.abc import Callable
from contextlib import closing
from socket import create_connection

import pytest

from tests.security.chats import person
from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.security.peaks import peak_growth_bytes
from tests.security.raw import ask
from tests.support.strain import MIB, memory_bytes
from tests.support.ws_client import Client, Closed
from tests.support.ws_frames import CONTINUATION, PING, TEXT, encode, mask

ROUNDS = 20
GROWTH_BYTES = 1_000_000
TRIES = 3
"""The allocator keeps a page more now and then; what an attack costs, it costs every time."""
BOMBS = 50
BOMB_BYTES = 200 * MIB
BOMB_GROWTH_BYTES = 40 * MIB


def declared(size: int, opcode: int = TEXT, flags: int = 0x80) -> bytes:
    """The head of a frame with this length, and the first bytes of a payload that never comes."""
    return bytes([flags | opcode, 0xFF]) + size.to_bytes(8, "big") + os.urandom(4) + b"x" * 100


def control(size: int) -> bytes:
    key = os.urandom(4)
    return bytes([0x80 | PING, 0x80 | 126]) + size.to_bytes(2, "big") + key + mask(b"p" * size, key)


ATTACKS: dict[str, tuple[Callable[[], bytes], int]] = {
    "one byte too long": (lambda: encode(TEXT, b"x" * 65_537), 1009),
    "two fragments of 40 KB": (
        lambda: encode(TEXT, b"x" * 40_000, fin=False) + encode(CONTINUATION, b"x" * 40_000),
        1009,
    ),
    "a length of 2^40": (lambda: declared(1 << 40), 1009),
    "a length of 2^63": (lambda: declared(1 << 63), 1002),
    "10,000 empty fragments": (
        lambda: encode(TEXT, b"", fin=False) + encode(CONTINUATION, b"", fin=False) * 10_000,
        1002,
    ),
    "a control frame of 126 bytes": (lambda: control(126), 1002),
    "a control frame of 2^40": (lambda: declared(1 << 40, PING), 1002),
    "a fragmented control frame": (lambda: encode(PING, b"p", fin=False), 1002),
    "100 KB of a compressed frame": (lambda: declared(100_000, TEXT, 0xC0), 1009),
    "a compressed frame": (lambda: b"\xc1" + encode(TEXT, b"x" * 100)[1:], 1002),
}


@pytest.fixture(scope="module")
def measured(make_house: MakeHouse) -> House:
    """A server of its own: its memory is measured."""
    made = make_house()
    for _ in range(3):
        for attack, _code in ATTACKS.values():
            close_code(made, attack())
    return made


def close_code(made: House, data: bytes, token: str = "") -> int:
    """How the server closes after these bytes."""
    with closing(Client(made.server.url).connect()) as socket:
        if token:
            socket.hello(token)
        try:
            socket.send_bytes(data)
        except Closed as closed:
            return closed.code
        return socket.wait_closed(10).code


@pytest.mark.parametrize("name", ATTACKS)
def test_sec_08_a_frame_beyond_the_bounds_closes_the_socket_and_costs_no_memory(measured: House, name: str) -> None:
    attack, code = ATTACKS[name]
    token = person(measured).token

    def all_rounds() -> None:
        assert {close_code(measured, attack(), token if turn % 2 else "") for turn in range(ROUNDS)} == {code}

    grown = [peak_growth_bytes(measured.server, all_rounds)]
    while min(grown) >= GROWTH_BYTES and len(grown) < TRIES:
        grown.append(peak_growth_bytes(measured.server, all_rounds))
    print(f"{name}: peaks {', '.join(f'{one / 1_000:.0f}' for one in grown)} kB")
    assert min(grown) < GROWTH_BYTES


def test_sec_08_the_longest_frame_is_read_and_answered(measured: House) -> None:
    with closing(Client(measured.server.url).connect()) as socket:
        socket.hello(person(measured).token)
        socket.send_frame(b'{"type":"ping","id":"a","x":"' + b"x" * (65_536 - 31) + b'"}')
        assert socket.wait_for("ok", id="a")["result"] == {}


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover, x-webkit-deflate-frame",
    ],
)
def test_sec_09_compression_is_not_agreed_to(measured: House, offer: str) -> None:
    client = Client(measured.server.url, headers={"Sec-WebSocket-Extensions": offer})
    with create_connection(("127.0.0.1", measured.server.port), timeout=10) as sock:
        sock.sendall(client._request("dGhlIHNhbXBsZSBub25jZQ=="))
        head = sock.recv(4_096)
    assert head.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in head.lower()


def test_sec_09_fifty_bombs_are_refused_unopened(measured: House) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(BOMB_BYTES // MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)
    frame = bytes([0x80 | 0x40 | TEXT, 0xFF]) + len(bomb).to_bytes(8, "big") + bytes(4) + bomb
    before = memory_bytes(measured.server)
    sockets = [Client(measured.server.url).connect() for _ in range(BOMBS)]
    for socket in sockets:
        socket.send_bytes(frame[:60_000])
    assert {socket.wait_closed(10).code for socket in sockets} == {1009}
    assert memory_bytes(measured.server) - before < BOMB_GROWTH_BYTES


def test_sec_09_a_compressed_body_is_not_unpacked(measured: House) -> None:
    packed = zlib.compress(b'{"email":"a@example.org","password":"' + b"x" * MIB + b'"}')
    answer = ask(
        measured.server, "/api/v1/auth/login", "POST", packed, Content_Type="application/json", Content_Encoding="gzip"
    )
    assert answer.status in {400, 415}
