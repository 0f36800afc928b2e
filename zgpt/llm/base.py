"""What the rest of the server may know of a model: prompt, stream, sink and errors. Nothing here does I/O.

The flow of one answer: `Provider.stream()` returns at once with a `Stream`; the connection is made in a greenlet of
the provider's own; then the sink's callbacks follow, in order. Faults of every kind, also those of connecting,
arrive as `on_error`; `stream()` itself raises none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]
Part = Literal["text", "reasoning"]

BYTES_PER_TOKEN = 3.5
"""A rough figure for English prose; windowing the history needs no better, and asks no tokenizer."""

# The stable codes of ProviderError. Clients and operators may rely on them.
UNREACHABLE = "provider_unreachable"  # no connection, no such name, TLS refused
TIMEOUT = "provider_timeout"  # connected, yet too late with an answer
CUT = "provider_cut"  # the answer broke off
GARBAGE = "provider_garbage"  # an answer that is not the promised event stream
REFUSED_KEY = "provider_refused_key"  # 401, 403
RATE_LIMITED = "provider_rate_limited"  # 429
FAILED = "provider_failed"  # 5xx, or an error inside the stream
REJECTED = "provider_rejected"  # any other 4xx, redirects
CONTEXT_TOO_LONG = "context_too_long"  # the prompt does not fit into the model's context


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the prompt."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to a model. `continue_text` is the beginning of the answer, to be continued without a seam."""

    messages: tuple[Turn, ...]
    max_tokens: int
    temperature: float
    continue_text: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, in tokens, as the model's server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How an answer ended: `reason` is the server's word (`stop`, `length`, `content_filter` …)."""

    reason: str
    usage: Usage | None = None


class ProviderError(Exception):
    """Why there is no (whole) answer. `message` is for people: the cause and what to do, never a secret."""

    def __init__(
        self,
        code: str,
        message: str,
        retryable: bool,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class StreamSink(Protocol):
    """Receives one answer. The callbacks run on the hub's loop (or in the provider's greenlet) and MUST NOT block.

    Exactly one of `on_end` and `on_error` comes, last; after `Stream.close()` nothing comes any more.
    """

    def on_delta(self, part: Part, data: bytes) -> None:
        """`data` is valid UTF-8 made of whole characters, never empty."""

    def on_end(self, end: StreamEnd) -> None:
        """The answer is complete."""

    def on_error(self, error: ProviderError) -> None:
        """The answer broke; what came before stays valid."""


class Stream(Protocol):
    """An answer on its way."""

    def close(self) -> None:
        """Cancel it upstream at once. Idempotent; any greenlet may call it, also while still connecting."""


class Provider(Protocol):
    """Someone who answers."""

    model: str
    display_name: str
    can_continue: bool

    def stream(self, prompt: Prompt, sink: StreamSink, deadline_s: float) -> Stream:
        """Begin an answer. `deadline_s` bounds the time to the first byte (connecting has its own, shorter bound)."""

    def count_tokens(self, text: str) -> int:
        """An estimate, from above, without asking anybody."""


def count_tokens(text: str) -> int:
    """Tokens that `text` will roughly take: bytes by 3.5, rounded up."""
    return int(-(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN))
