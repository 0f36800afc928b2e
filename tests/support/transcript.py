"""What one viewer holds of one session, kept by the client rules of docs/protocol.md and judged while it grows.

Not here: sockets. A broken promise raises Contradiction at the moment it is seen; the counters tell how often the
repair rules (duplicate, gap, swap) were needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]
ENDED = ("completed", "stopped", "failed")
PARTS = ("text", "reasoning")


class Contradiction(AssertionError):
    """Something that was shown turned out lost, doubled, reordered or different."""


@dataclass(slots=True)
class Shown:
    """The bytes of one part as shown, and the epoch that they belong to."""

    epoch: int = 0
    data: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Transcript:
    """Feed it `opened` answers and events; `apply` says when the server must be asked again."""

    session_id: str | None = None
    revision: int = 0
    seen: int = 0
    messages: dict[str, Frame] = field(default_factory=dict)
    shown: dict[tuple[str, str], Shown] = field(default_factory=dict)
    completed: dict[str, Frame] = field(default_factory=dict)
    resets: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    gaps: int = 0
    swaps: int = 0
    contradicted: int = 0
    replaced: list[tuple[str, str, bytes]] = field(default_factory=list)
    short_at_end: int = 0

    def holds(self) -> list[Frame]:
        """The positions to send with session.open: one per part of each run that has not ended."""
        return [
            {"run_id": run_id, "part": part, "epoch": shown.epoch, "offset": len(shown.data)}
            for (run_id, part), shown in self.shown.items()
            if shown.epoch and run_id not in self.completed
        ]

    def text(self, run_id: str, part: str = "text") -> str:
        shown = self.shown.get((run_id, part))
        return bytes(shown.data).decode("utf-8") if shown else ""

    # -- the answer of session.open

    def opened(self, result: Frame) -> None:
        """Takes over every changed message; a run that ended meanwhile is judged against what was shown."""
        self.session_id = result["session"]["id"]
        for message in result["messages"]:
            self._message(message)
        for message_id in result["deleted"]:
            self.messages.pop(message_id, None)
        if result["revision"] < self.revision:
            raise Contradiction(f"revision went back from {self.revision} to {result['revision']}")
        self.revision = result["revision"]
        self.seen = max(self.seen, self.revision)

    def _message(self, message: Frame) -> None:
        self.messages[message["id"]] = message
        run = message.get("run")
        if run and run["status"] in ENDED and run["id"] not in self.completed:
            self._take_final(run["id"], run["epoch"], message, run)

    # -- events

    def apply(self, event: Frame) -> bool:
        """Applies one event; True means: send session.open again with `revision` and `holds()`."""
        if event["type"] == "run.reset":
            self.resets[event["run_id"]] = event["epoch"]
            return False
        if event["type"] == "run.delta":
            return event["session_id"] == self.session_id and self._delta(event)
        if event["type"] not in ("message.created", "run.completed", "message.deleted", "session.updated"):
            return False
        return self._revised(event)

    def _revised(self, event: Frame) -> bool:
        session = event.get("session") or {}
        if event.get("session_id", session.get("id")) != self.session_id:
            return False
        revision = event.get("revision", session.get("revision", 0))
        self.seen = max(self.seen, revision)
        if event["type"] == "session.updated":
            # It tells of a change, and does not carry it: that may be on its way, or lost.
            return False
        if event["type"] == "run.completed" and event["run_id"] not in self.completed:
            # A slow viewer gets the end behind later events: it counts as long as it is news.
            self._change(event)
        elif revision <= self.revision:
            return False
        elif revision == self.revision + 1:
            self._change(event)
        if revision > self.revision + 1:
            self.gaps += 1
            return True
        self.revision = max(self.revision, revision)
        return False

    def _change(self, event: Frame) -> None:
        if event["type"] == "message.created":
            self._message(event["message"])
        elif event["type"] == "message.deleted":
            self.messages.pop(event["message_id"], None)
        elif event["type"] == "run.completed":
            self._completed(event)

    def _delta(self, event: Frame) -> bool:
        data = event["text"].encode("utf-8")
        if event["end"] - event["at"] != len(data):
            raise Contradiction(f"delta says {event['at']}..{event['end']} and carries {len(data)} bytes")
        shown = self.shown.setdefault((event["run_id"], event["part"]), Shown())
        if event["epoch"] < shown.epoch or event["run_id"] in self.completed:
            return False
        if event["epoch"] > shown.epoch:
            return self._swap(shown, event, data)
        return self._append(shown, event["at"], data)

    def _swap(self, shown: Shown, event: Frame, data: bytes) -> bool:
        """A new epoch starts at 0 and replaces the old text in one step."""
        if event["at"] != 0:
            self.gaps += 1
            return True
        if shown.data:
            self.swaps += 1
            self.replaced.append((event["run_id"], event["part"], bytes(shown.data)))
        shown.epoch, shown.data = event["epoch"], bytearray(data)
        return False

    def _append(self, shown: Shown, at: int, data: bytes) -> bool:
        have = len(shown.data)
        if at > have:
            self.gaps += 1
            return True
        if at == have:
            shown.data += data
            return False
        known = bytes(shown.data[at : at + len(data)])
        if not data.startswith(known):
            raise Contradiction(f"shown {known[:80]!r} at {at}, then sent {data[:80]!r}")
        self.duplicates += 1
        return at + len(data) > have

    # -- the end of a run

    def _completed(self, event: Frame) -> None:
        run_id = event["run_id"]
        for part, end in event["ends"].items():
            shown = self.shown.get((run_id, part), Shown())
            # Text of an epoch that was reset is no part of this end: the new one had not a word.
            held = 0 if shown.epoch < self.resets.get(run_id, 0) else len(shown.data)
            if held > end:
                raise Contradiction(f"{held} bytes shown of a {part} that ended with {end}")
            self.short_at_end += held < end
        self._take_final(run_id, self.resets.get(run_id), event["message"], event)

    def _take_final(self, run_id: str, epoch: int | None, message: Frame, end: Frame) -> None:
        """The final message: what was shown must be its beginning (unless it is of another epoch)."""
        self.messages[message["id"]] = message
        for part in PARTS:
            final = (message.get(part) or "").encode("utf-8")
            shown = self.shown.setdefault((run_id, part), Shown())
            same_epoch = epoch is None or shown.epoch in (0, epoch)
            if same_epoch and not final.startswith(bytes(shown.data)):
                raise Contradiction(f"shown {part} is not how the final one begins: {_difference(shown.data, final)}")
            shown.data = bytearray(final)
        self.completed[run_id] = end
        self.contradicted += sum(not self._kept(*old) for old in self.replaced if old[0] == run_id)
        self.verify(run_id)

    def _kept(self, run_id: str, part: str, old: bytes) -> bool:
        """Whether what an earlier epoch had shown is how the final text begins."""
        return self.shown[run_id, part].data.startswith(old)

    def verify(self, run_id: str) -> None:
        """Lengths and SHA-256 of what is shown equal those of the run's end; raises Contradiction."""
        end = self.completed[run_id]
        for part, digest in (end.get("sha256") or {}).items():
            data = bytes(self.shown.get((run_id, part), Shown()).data)
            if hashlib.sha256(data).hexdigest() != digest:
                raise Contradiction(f"SHA-256 of the {part} of run {run_id} differs ({len(data)} bytes shown)")
            if end["ends"][part] != len(data):
                raise Contradiction(f"{len(data)} bytes shown, the run ended with {end['ends'][part]}")


def _difference(shown: bytearray, final: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(shown, final, strict=False)) if a != b), len(final))
    return f"at {at}: {bytes(shown[at : at + 40])!r} against {final[at : at + 40]!r}"
