"""The text of runs in Redis: scripts that write under an epoch, and how the whole of a run is read back; no I/O.

Each script is one atomic step: what is published stands in the log, and who was passed over can do neither. A run's
hash holds `fence`, the only epoch that may write, and `opened`, the epoch whose text a reader finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zgpt.realtime import bus
from zgpt.realtime.live import PARTS, RunHead
from zgpt.realtime.redis_link import Command, Script

WRITTEN = 1
LOST = -1
"""Redis does not hold what stands before this text (restarted empty, or evicted): the run must be opened again."""
FENCED = -2
"""Another process owns the run by now."""

Texts = dict[str, bytes]

_OPEN = Script(
    """
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
local epoch = tonumber(ARGV[1])
if fence > epoch then return -2 end
local again = redis.call('HGET', KEYS[1], 'opened') == ARGV[1]
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'opened', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
for number = 2, #KEYS do
  local text = ARGV[number + 3]
  if not again then redis.call('DEL', KEYS[number]) end
  if text ~= '' then
    redis.call('SETRANGE', KEYS[number], 0, text)
    redis.call('EXPIRE', KEYS[number], ARGV[2])
  end
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
""",
    keys=1 + len(PARTS),
)
_APPEND = Script(
    """
local fence = redis.call('HGET', KEYS[1], 'fence')
if fence ~= ARGV[1] then
  if fence and tonumber(fence) > tonumber(ARGV[1]) then return -2 end
  return -1
end
if redis.call('STRLEN', KEYS[2]) < tonumber(ARGV[2]) then return -1 end
redis.call('SETRANGE', KEYS[2], ARGV[2], ARGV[3])
if ARGV[2] == '0' then redis.call('EXPIRE', KEYS[2], ARGV[4]) end
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
""",
    keys=2,
)
_END = Script(
    """
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
if fence > tonumber(ARGV[1]) then return -2 end
for number = 1, #KEYS do redis.call('EXPIRE', KEYS[number], ARGV[2]) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
""",
    keys=1 + len(PARTS),
)
# The keys of the text belong to an epoch that is only known inside; by the run's hash tag they are in its slot.
_TAKE = Script(
    """
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
if fence > tonumber(ARGV[1]) then return -2 end
local opened = redis.call('HGET', KEYS[1], 'opened')
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
local texts = {}
for number = 3, #ARGV do
  texts[number - 2] = opened and redis.call('GET', KEYS[1] .. ':' .. opened .. ':' .. ARGV[number]) or ''
end
return texts
""",
    keys=1,
)
SCRIPTS = (_OPEN, _APPEND, _END, _TAKE)


def open_command(head: RunHead, kept: Mapping[str, bytes], message: bytes) -> Command:
    """Begin an epoch with its kept text, or write the text of an open one again, and say so."""
    texts = [kept.get(part, b"") for part in PARTS]
    return _OPEN.call(*_keys(head), head.epoch, bus.LIVE_S, bus.channel(head.user_id), message, *texts)


def append_command(head: RunHead, part: str, at: int, data: bytes, message: bytes) -> Command:
    """Write text at its offset and publish it, if this epoch still owns the run and what stands before is there."""
    keys = (bus.run_key(head.run_id), bus.part_key(head.run_id, head.epoch, part))
    return _APPEND.call(*keys, head.epoch, at, data, bus.LIVE_S, bus.channel(head.user_id), message)


def end_command(head: RunHead, message: bytes) -> Command:
    """Publish the end of an epoch; its text stays readable for a while."""
    return _END.call(*_keys(head), head.epoch, bus.KEPT_S, bus.channel(head.user_id), message)


def take_command(run_id: str, epoch: int) -> Command:
    """Let nobody but `epoch` write from now on; the reply is for `texts_of_take`."""
    return _TAKE.call(bus.run_key(run_id), epoch, bus.LIVE_S, *PARTS)


def texts_of_take(reply: Any) -> Texts | None:
    """The text that was shown last, of whichever epoch was open; None when yet another process was faster."""
    if not isinstance(reply, list):
        return None
    return {part: bytes(text or b"") for part, text in zip(PARTS, reply, strict=True)}


def read_commands(run_id: str, epoch: int) -> list[Command]:
    """Everything that is kept of an epoch, and which epoch can be read; the replies are for `texts_of_read`."""
    parts: list[Command] = [("GETRANGE", bus.part_key(run_id, epoch, part), 0, -1) for part in PARTS]
    return [("HGET", bus.run_key(run_id), "opened"), *parts]


def texts_of_read(replies: list[Any], epoch: int) -> Texts | None:
    """The text of the epoch; None when it has not been opened, has gone, or was followed by another."""
    opened, *parts = replies
    if opened != str(epoch).encode() or not all(isinstance(text, bytes) for text in parts):
        return None
    return dict(zip(PARTS, parts, strict=True))


def _keys(head: RunHead) -> list[str]:
    return [bus.run_key(head.run_id), *(bus.part_key(head.run_id, head.epoch, part) for part in PARTS)]
