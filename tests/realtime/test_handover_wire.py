"""Messages and descriptors over a real unix socket, and what happens when the other end is not what it should be."""

import os
import struct
from array import array
from pathlib import Path

import gevent
import pytest
from gevent import socket

from zgpt.realtime import descriptor
from zgpt.realtime.handover_record import Ask, Batch, Done, Go
from zgpt.realtime.handover_wire import Wire, WireError, connect, listen

Pair = tuple[Wire, Wire]


@pytest.fixture
def ends() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


@pytest.fixture
def pair(ends: tuple[socket.socket, socket.socket]) -> Pair:
    return Wire(ends[0], 2.0), Wire(ends[1], 2.0)


def test_a_message_takes_descriptors_along(pair: Pair) -> None:
    read, write = os.pipe()
    with pair[0] as here, pair[1] as there:
        here.say(Batch([b"record"]), [write])
        message, (given,) = there.hear()
        assert message == Batch([b"record"])
        assert not os.get_inheritable(given)
        os.write(given, b"x")
        assert os.read(read, 1) == b"x"
        for fd in (read, write, given):
            descriptor.close(fd)


def answer(wire: Wire) -> None:
    wire.hear()
    wire.say(Done())


def test_messages_larger_than_the_kernels_buffer_arrive_whole(pair: Pair) -> None:
    records = [os.urandom(100_000) for _ in range(20)]
    with pair[0] as here, pair[1] as there:
        saying = gevent.spawn(here.say, Batch(records))
        assert there.hear() == (Batch(records), [])
        saying.get()
        answering = gevent.spawn(answer, there)
        assert here.ask(Ask()) == Done()
        answering.get()


@pytest.mark.parametrize("sent", [b"", b"\0\0", struct.pack(">I", 9) + b"half"])
def test_an_end_that_goes_in_the_middle_is_noticed(ends: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    with Wire(ends[0], 2.0) as here:
        ends[1].sendall(sent)
        ends[1].close()
        with pytest.raises(WireError, match="gone"):
            here.hear()


def test_an_end_that_says_nothing_is_not_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    with Wire(ends[0], 0.02) as here, pytest.raises(WireError, match="timed out"):
        here.hear()
    ends[1].close()


def test_nothing_can_be_said_to_an_end_that_has_gone(pair: Pair) -> None:
    with pair[0] as here:
        with pair[1]:
            pass
        with pytest.raises(WireError, match="not told"):
            here.say(Go())


def test_nonsense_costs_no_descriptor(ends: tuple[socket.socket, socket.socket]) -> None:
    read, write = os.pipe()
    nonsense = struct.pack(">I", 1) + b"\xc1"
    with Wire(ends[0], 2.0) as here:
        ends[1].sendmsg([nonsense], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [write]))])
        descriptor.close(write)
        with pytest.raises(WireError, match="cannot have meant"):
            here.hear()
        assert os.read(read, 1) == b"", "the copy of the descriptor is closed too"
    descriptor.close(read)
    ends[1].close()


def test_what_cannot_be_a_message_for_its_size_is_refused(ends: tuple[socket.socket, socket.socket]) -> None:
    with Wire(ends[0], 2.0) as here:
        ends[1].sendall(b"\xff\xff\xff\xff")
        with pytest.raises(WireError, match="4294967295 bytes"):
            here.hear()
    ends[1].close()


def test_a_process_of_another_user_is_not_spoken_to(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(WireError, match="another user"):
        Wire(ends[0], 2.0)
    ends[1].close()


def test_where_the_kernel_does_not_tell_the_user_the_folder_decides(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED")
    Wire(ends[0], 2.0)._sock.close()
    ends[1].close()


def test_a_socket_is_for_this_user_and_replaces_what_a_dead_process_left(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    listen(path).close()
    with listen(path) as listener:
        assert path.stat().st_mode & 0o777 == 0o600
        accepting = gevent.spawn(listener.accept)
        with connect(path, 2.0) as here:
            accepted, _ = accepting.get(timeout=5)
            with Wire(accepted, 2.0) as there:
                here.say(Ask())
                assert there.hear() == (Ask(), [])


def test_a_socket_that_nobody_listens_at_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    listen(path).close()
    with pytest.raises(WireError, match="not reached"):
        connect(path, 2.0)
    assert not path.exists()
    with pytest.raises(WireError, match="not reached"):
        connect(path, 2.0)


def test_a_place_where_no_socket_can_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        listen(tmp_path / "nowhere" / "a.sock")


def test_who_asks_before_a_process_listens_does_not_take_its_socket_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, begin = tmp_path / "a.sock", socket.socket.listen

    def asked_meanwhile(sock: socket.socket, backlog: int) -> None:
        with pytest.raises(WireError):
            connect(path, 2.0)
        begin(sock, backlog)

    monkeypatch.setattr(socket.socket, "listen", asked_meanwhile)
    with listen(path), connect(path, 2.0):
        assert path.exists()
