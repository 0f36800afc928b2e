"""The measurements, each on a freshly started server, each returning plain numbers. Not here: repeating, reporting."""

from __future__ import annotations

import json
import socket
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.contestants import Contestant
from bench.load import Counts, Swarm, check_captured, source_address
from bench.process import KIB, ServerProcess
from bench.script import Script
from tests.support.ws_client import Client
from tests.support.ws_frames import PONG, TEXT, encode

SETTLE_S = 2.0
BEGIN_WITHIN_S = 60.0
TOKENS_PER_S = 50.0
SAMPLED = 5
SATURATED_BELOW = 0.95
Figures = dict[str, float]


def memory(server: ServerProcess, who: Contestant, connections: int) -> Figures:
    """KiB of unique memory per idle connection: after hello, and again with a session open in each."""
    _warm_up(server, who)
    before = server.unique_bytes()
    clients: list[Client] = []
    for index in range(connections):
        clients.append(_hello(server, who, index))
        _keep_alive(clients, index)
    _settle(clients)
    said_hello = server.unique_bytes()
    for index, client in enumerate(clients):
        client.command("session.open", session_id=who.account(index).session_id, revision=0)
        _keep_alive(clients, index)
    _settle(clients)
    opened = server.unique_bytes()
    for client in clients:
        client.close()
    return {
        "base_mib": before / KIB / KIB,
        "idle_kib": (said_hello - before) / connections / KIB,
        "opened_kib": (opened - before) / connections / KIB,
    }


def fan_out(server: ServerProcess, who: Contestant, viewers: int, warm_s: float, window_s: float) -> Figures:
    """Writes to viewers per CPU second, on one stream that all of them watch."""
    session_id = who.account(0).session_id
    with _swarm() as swarm:
        for index in range(viewers):
            client = _hello(server, who, index, account=0)
            client.command("session.open", session_id=session_id, revision=0)
            swarm.add(client.detach(), capture=index < SAMPLED)
            if index % 100 == 99:
                # Its pongs keep those alive that wait for the others.
                swarm.run(0.001)
        _ask(swarm.viewers[0].sock, Script(tokens=100_000, rate=TOKENS_PER_S, seed=None), session_id)
        counts, cpu_s = _window(server, swarm, warm_s, window_s)
        _check(swarm)
    return {
        "writes_per_cpu_s": counts.frames / cpu_s,
        "tokens_per_cpu_s": counts.tokens / cpu_s,
        "tokens_per_frame": counts.tokens / max(1, counts.frames),
        "delivered": counts.tokens / (counts.seconds * viewers * TOKENS_PER_S),
        "cpu_share": cpu_s / counts.seconds,
        "cpu_us_per_write": cpu_s / max(1, counts.frames) * 1e6,
        "written": counts.tokens / viewers,
        **_delays(counts, saturated=counts.tokens < SATURATED_BELOW * counts.seconds * viewers * TOKENS_PER_S),
    }


def relay(
    server: ServerProcess, who: Contestant, streams: int, warm_s: float, window_s: float, rate: float = TOKENS_PER_S
) -> Figures:
    """CPU µs per token from the upstream to its one viewer, and how late tokens arrive."""
    script = Script(tokens=100_000, rate=rate, seed=None)
    with _swarm() as swarm:
        for index in range(streams):
            client = _hello(server, who, index)
            swarm.add(client.detach(), capture=index < SAMPLED)
        for viewer in swarm.viewers:
            _ask(viewer.sock, script, None)
            swarm.run(0.005)
        counts, cpu_s = _window(server, swarm, warm_s, window_s)
        _check(swarm)
    delivered = counts.tokens / (counts.seconds * streams * rate)
    return {
        "cpu_us_per_token": cpu_s / max(1, counts.tokens) * 1e6,
        "delivered": delivered,
        "cpu_share": cpu_s / counts.seconds,
        "tokens_per_frame": counts.tokens / max(1, counts.frames),
        "written": counts.tokens,
        **_delays(counts, saturated=delivered < SATURATED_BELOW),
    }


def direct(upstream_port: int, streams: int, warm_s: float, window_s: float) -> Figures:
    """The same delays with nobody in between: what the upstream, the loopback and the client cost by themselves."""
    with _swarm() as swarm:
        for _ in range(streams):
            sock = socket.create_connection(("127.0.0.1", upstream_port))
            sock.sendall(_post(Script(tokens=100_000, rate=TOKENS_PER_S, seed=None)))
            swarm.add(sock)
        swarm.run(warm_s)
        return _delays(swarm.run(window_s, delays=True), saturated=False)


def first_token(server: ServerProcess, who: Contestant, times: int) -> Figures:
    """Milliseconds from sending a question to the first token, one question at a time, on an idle server."""
    took_ms = []
    for index in range(times + 2):
        client = _hello(server, who, index)
        sock = client.detach()
        begun = time.monotonic()
        _ask(sock, Script(tokens=1, rate=TOKENS_PER_S, seed=None), None)
        _read_until(sock, b'"run.delta"')
        took_ms.append((time.monotonic() - begun) * 1e3)
        sock.close()
    return _first(took_ms[2:])


def first_token_direct(upstream_port: int, times: int) -> Figures:
    """The same straight to the upstream, over one kept connection."""
    took_ms = []
    with socket.create_connection(("127.0.0.1", upstream_port)) as sock:
        for _ in range(times + 2):
            begun = time.monotonic()
            sock.sendall(_post(Script(tokens=1, rate=TOKENS_PER_S, seed=None)))
            rest = _read_until(sock, b'"content"')
            took_ms.append((time.monotonic() - begun) * 1e3)
            _read_until(sock, b"0\r\n\r\n", rest)
    return _first(took_ms[2:])


def _first(took_ms: list[float]) -> Figures:
    return {"first_p50_ms": statistics.median(took_ms), "first_max_ms": max(took_ms)}


def _warm_up(server: ServerProcess, who: Contestant) -> None:
    """What is loaded and allocated once belongs to no connection."""
    clients = [_hello(server, who, index) for index in range(50)]
    for index, client in enumerate(clients):
        client.command("session.open", session_id=who.account(index).session_id, revision=0)
        client.close()
    # What the server still does for those who left shows in no answer.
    time.sleep(SETTLE_S)
    server.refresh()


def _keep_alive(clients: list[Client], index: int) -> None:
    """Once in a thousand, one pong from everybody: any traffic keeps a connection alive while the others are opened."""
    if index % 1_000 == 999:
        for client in clients:
            client.send_frame(b"", PONG)


def _settle(clients: list[Client]) -> None:
    """Lets the server come to rest, everybody alive."""
    _keep_alive(clients, 999)
    # That it rests shows in no answer.
    time.sleep(SETTLE_S)


def _hello(server: ServerProcess, who: Contestant, index: int, account: int | None = None) -> Client:
    client = Client(f"http://127.0.0.1:{server.port}", source=source_address(index)).connect(30.0)
    client.hello(who.account(index if account is None else account).token)
    return client


def _ask(sock: socket.socket, script: Script, session_id: str | None) -> None:
    command = {
        "type": "message.send",
        "id": "ask",
        "session_id": session_id,
        "client_id": str(uuid.uuid4()),
        "text": f"Please answer. {script.note()}",
    }
    sock.send(encode(TEXT, json.dumps(command).encode()))


def _post(script: Script) -> bytes:
    body = json.dumps({"stream": True, "messages": [{"role": "user", "content": script.note()}]}).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def _read_until(sock: socket.socket, mark: bytes, data: bytes = b"") -> bytes:
    sock.settimeout(30.0)
    while mark not in data:
        piece = sock.recv(65536)
        if not piece:
            raise RuntimeError(f"the connection ended before {mark!r}: {data[-300:]!r}")
        data += piece
    return data


def _window(server: ServerProcess, swarm: Swarm, warm_s: float, window_s: float) -> tuple[Counts, float]:
    server.refresh()
    swarm.run_until_begun(BEGIN_WITHIN_S)
    swarm.run(warm_s)
    beside = server.read_beside()
    before = server.cpu_s()
    counts = swarm.run(window_s, delays=True)
    cpu_s = server.cpu_s() - before
    server.note_beside(beside)
    return counts, max(cpu_s, 1e-3)


def _check(swarm: Swarm) -> None:
    if swarm.lost:
        raise RuntimeError(f"{swarm.lost} connections were lost during the measurement")
    if not all(check_captured(bytes(viewer.captured)) for viewer in swarm.viewers if viewer.captured is not None):
        raise RuntimeError("a sampled viewer got no token")


def _delays(counts: Counts, *, saturated: bool) -> dict[str, Any]:
    if saturated or len(counts.delays_ns) < 100:
        return {}
    cuts = statistics.quantiles(counts.delays_ns, n=100)
    return {"delay_p50_ms": cuts[49] / 1e6, "delay_p99_ms": cuts[98] / 1e6}


@contextmanager
def _swarm() -> Iterator[Swarm]:
    swarm = Swarm()
    try:
        yield swarm
    finally:
        swarm.close()
