"""What all connections of a process share: limits, the event loop, the ticker, and the set of those that are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from gevent import get_hub

from zgpt.core import metrics
from zgpt.realtime.ticker import TICK_S, Ticker

if TYPE_CHECKING:
    from zgpt.realtime.connection import Connection
    from zgpt.realtime.stream import EventStream

CLOSE_WAIT_S: Final = 2.0
"""How long a peer has to answer our close frame, and a stopped reader to take it."""
HEARTBEAT_SLACK_S: Final = 10.0
STREAM_HEARTBEAT_S: Final = 15.0
"""Proxies let an HTTP answer be silent for less long than a WebSocket."""
_engines: WeakSet[Engine] = WeakSet()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may cost, and how long it may keep us waiting."""

    message_bytes: int = 65_536
    heartbeat_s: float = 25.0
    heartbeat_slack_s: float = HEARTBEAT_SLACK_S
    send_stall_s: float = 30.0
    close_wait_s: float = CLOSE_WAIT_S
    connections: int = 20_000
    connections_per_network: int = 1_000


class Engine:
    """The connections of one listening app in one process. Made on the loop that serves them, after the fork."""

    __slots__ = (
        "__weakref__", "_networks", "close_wait", "connections", "heartbeat", "limits", "loop", "send_stall", "slack",
        "stream_heartbeat", "ticker"
    )  # fmt: skip

    def __init__(self, limits: Limits, tick_s: float = TICK_S) -> None:
        self.limits = limits
        self.loop = get_hub().loop
        self.ticker = Ticker(self.loop, tick_s)
        self.connections: set[Connection | EventStream] = set()
        self._networks: dict[str, int] = {}
        self.heartbeat = self.ticker.ticks(limits.heartbeat_s)
        self.stream_heartbeat = self.ticker.ticks(STREAM_HEARTBEAT_S)
        self.slack = self.ticker.ticks(limits.heartbeat_slack_s)
        self.send_stall = self.ticker.ticks(limits.send_stall_s)
        self.close_wait = self.ticker.ticks(limits.close_wait_s)
        _engines.add(self)

    @property
    def full(self) -> bool:
        """Whether no more connections may be taken."""
        return len(self.connections) >= self.limits.connections

    def has_room_for(self, network: str) -> bool:
        """Whether one more connection may come from there; "" is nowhere in particular."""
        return self._networks.get(network, 0) < self.limits.connections_per_network

    def add(self, connection: Connection | EventStream, first_beat: int = 0) -> None:
        """Count it, and look after it from tick `first_beat` on, else from the first heartbeat."""
        self.connections.add(connection)
        if connection.network:
            self._networks[connection.network] = self._networks.get(connection.network, 0) + 1
        self.ticker.join(connection, first_beat or self.ticker.now + self.heartbeat)
        metrics.CONNECTIONS.inc()

    def discard(self, connection: Connection | EventStream) -> None:
        self.connections.discard(connection)
        self._leave(connection.network)
        self.ticker.leave(connection)
        metrics.CONNECTIONS.dec()

    def _leave(self, network: str) -> None:
        left = self._networks.get(network, 0) - 1
        if left > 0:
            self._networks[network] = left
        else:
            self._networks.pop(network, None)


def open_connections() -> int:
    """How many sockets this process still holds, closing ones included."""
    return sum(len(engine.connections) for engine in _engines)
