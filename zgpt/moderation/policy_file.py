"""The policy in force: read at the start, read again when its file changes. A bad file changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gevent
import structlog
from gevent.event import Event

from zgpt.core import metrics
from zgpt.moderation.policy import load_policy
from zgpt.moderation.policy_nodes import FILE_BYTES, PolicyError
from zgpt.moderation.rules import Policy

LOOK_S = 1.0
"""Between two looks at the file: one `stat` a second."""

Stamp = tuple[int, int, int]

log = structlog.get_logger(__name__)


class PolicyFile:
    """`policy` is replaced whole, in one assignment; who holds the old one goes on with it."""

    def __init__(self, path: Path) -> None:
        """Read it; raises PolicyError, or OSError when there is no such file."""
        self.path = path
        self._seen = self._stamp()
        self.policy: Policy = load_policy(_read(path))
        self.on_change: Callable[[Policy], None] = _nothing
        self._stopped = Event()

    def run(self) -> None:
        """Look again and again until `stop`."""
        while not self._stopped.wait(LOOK_S):
            self.look()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> bool:
        """Read the file again if it has changed; whether another policy is in force now."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            # Compiling 20,000 terms takes 0.3 s: in a thread of its own, so that no stream waits for it.
            policy: Policy = gevent.get_hub().threadpool.apply(lambda: load_policy(_read(self.path)))
        except (PolicyError, OSError) as fault:
            metrics.MODERATION_POLICIES.labels("refused").inc()
            log.error(  # noqa: TRY400 - the fault is in the file, and says where
                "moderation_policy_refused", path=str(self.path), fault=str(fault), in_force=self.policy.digest
            )
            return False
        self.policy = policy
        metrics.MODERATION_POLICIES.labels("loaded").inc()
        log.info("moderation_policy_loaded", path=str(self.path), digest=policy.digest)
        self.on_change(policy)
        return True

    def _stamp(self) -> Stamp | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _nothing(_policy: Policy) -> None:
    """Nobody wants to know."""


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_BYTES + 1)
