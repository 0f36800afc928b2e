"""A second opinion on a text from another server: OpenAI's `/moderations`, or a chat model like Llama Guard.

It is asked by the client that also talks to models: bounded in time and size, no redirects, the operator's address.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from zgpt.core import clock, metrics
from zgpt.core.config import Settings
from zgpt.llm.base import ProviderError
from zgpt.llm.endpoint import find_proxy, parse_base_url
from zgpt.llm.http import Route, post, read_body

Fail = Literal["open", "closed"]
CATEGORIES_KEPT = 8
_GUARD_TOKENS = 32
_WORD = re.compile(r"[^A-Za-z0-9/_-]+")
_SELF_HARM = re.compile(r"self[-_/ ]?harm|suicid|^s11$", re.IGNORECASE)
"""OpenAI's names, and the hazard code of Llama Guard 3 and 4."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the other server said. `self_harm`: of all it objects to, one is that the writer may hurt themselves."""

    flagged: bool
    categories: tuple[str, ...] = ()

    @property
    def self_harm(self) -> bool:
        return any(_SELF_HARM.search(category) for category in self.categories)


class NoOpinionError(Exception):
    """The server did not say anything that can be used, in time."""


class Adviser:
    """Asks the server of MODERATION_URL. Raises ValueError for an address that cannot be used."""

    def __init__(self, settings: Settings) -> None:
        url = settings.moderation_url or ""
        base, _, last = url.rpartition("/")
        self._is_chat = last == "completions"
        if not self._is_chat and last != "moderations":
            raise ValueError("MODERATION_URL must end with /moderations or /chat/completions")
        endpoint = parse_base_url(base.removesuffix("/chat"))
        context = ssl.create_default_context() if endpoint.scheme == "https" else None
        self._route = Route(endpoint, find_proxy(endpoint, os.environ), context, settings.moderation_timeout_s)
        self._path = "/chat/completions" if self._is_chat else "/moderations"
        self._model = settings.moderation_model
        key = settings.moderation_api_key.get_secret_value().strip() if settings.moderation_api_key else None
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "z-gpt"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self.timeout_s = settings.moderation_timeout_s
        self.fails: Fail = settings.moderation_fail

    def ask(self, text: str, role: Literal["user", "assistant"]) -> Opinion:
        """Wait for the opinion, at most `timeout_s` altogether; raises NoOpinionError."""
        try:
            opinion = self._parse(self._exchange(self._body(text, role)))
        except (NoOpinionError, ProviderError) as fault:
            metrics.MODERATION_OPINIONS.labels("none").inc()
            raise NoOpinionError(str(fault)) from None
        metrics.MODERATION_OPINIONS.labels("flagged" if opinion.flagged else "clean").inc()
        return opinion

    def _exchange(self, body: bytes) -> bytes:
        until_s = clock.monotonic() + self.timeout_s
        answer = post(self._route, self._path, self._headers, body, self.timeout_s)
        try:
            data = read_body(answer, max(0.001, until_s - clock.monotonic()))
        finally:
            answer.wire.close()
        if answer.head.status != 200:
            raise NoOpinionError(f"HTTP {answer.head.status}")
        return data

    def _body(self, text: str, role: str) -> bytes:
        if not self._is_chat:
            return msgspec.json.encode({"input": text} | ({"model": self._model} if self._model else {}))
        turns = [{"role": "user", "content": text}]
        if role == "assistant":
            # Guard models judge the last turn, and want a question before an answer.
            turns = [{"role": "user", "content": "…"}, {"role": "assistant", "content": text}]
        fields = {"model": self._model or "default", "messages": turns, "max_tokens": _GUARD_TOKENS, "temperature": 0.0}
        return msgspec.json.encode(fields)

    def _parse(self, data: bytes) -> Opinion:
        try:
            said = msgspec.json.decode(data)
            return _of_guard(said) if self._is_chat else _of_endpoint(said)
        except (msgspec.DecodeError, UnicodeError, RecursionError, LookupError, TypeError, AttributeError) as fault:
            raise NoOpinionError(f"what it says cannot be read ({type(fault).__name__})") from None


def _of_endpoint(said: Any) -> Opinion:
    """`{"results": [{"flagged": true, "categories": {"violence": true, …}}]}`."""
    flagged: set[str] = set()
    any_flagged = False
    for result in said["results"] or [{}]:
        if not isinstance(result["flagged"], bool):
            raise TypeError
        any_flagged = any_flagged or result["flagged"]
        flagged |= {str(name) for name, value in (result.get("categories") or {}).items() if value is True}
    return Opinion(any_flagged, _tidy(sorted(flagged)))


def _of_guard(said: Any) -> Opinion:
    """`safe`, or `unsafe` and a line of hazard codes (`S1,S11`)."""
    lines = [line.strip() for line in said["choices"][0]["message"]["content"].splitlines() if line.strip()]
    verdict = lines[0].lower()
    if verdict not in {"safe", "unsafe"}:
        raise LookupError
    return Opinion(verdict == "unsafe", _tidy(",".join(lines[1:2]).split(",")) if verdict == "unsafe" else ())


def _tidy(names: list[str]) -> tuple[str, ...]:
    """The server's words, as they may stand in a log."""
    return tuple(tidy for name in names[:CATEGORIES_KEPT] if (tidy := _WORD.sub("", name)[:40]))
