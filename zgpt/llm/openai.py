"""Any OpenAI-compatible `/v1/chat/completions` as a Provider. How the answer is read is `stream`'s."""

from __future__ import annotations

import ssl

from zgpt.core import clock

from .base import Prompt, Stream, StreamSink, count_tokens
from .body import Head
from .endpoint import Proxy, parse_base_url
from .failures import from_answer
from .http import Answer, Route, post, read_body
from .join import Seam
from .request import Continue, Dialect, encode_request
from .stream import HttpStream

_STREAM_TYPES = ("text/event-stream", "", "text/plain", "application/octet-stream")
# Media types of a 200 that may be an event stream: some servers name none, or a wrong one.

_PATH = "/chat/completions"


class HttpProvider:
    """A model on a server that speaks OpenAI's chat completions. Raises ValueError for a URL that cannot be used."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        display_name: str = "",
        continue_mode: Continue = "none",
        connect_timeout_s: float = 5.0,
        proxy: Proxy | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        endpoint = parse_base_url(base_url)
        secure = endpoint.scheme == "https"
        context = (tls or ssl.create_default_context()) if secure else None
        self.model = model
        self.display_name = display_name or model
        self.can_continue = continue_mode != "none"
        self._route = Route(endpoint, proxy, context, connect_timeout_s)
        self._key = api_key
        self._headers = _headers(api_key)
        self._mode: Continue = continue_mode
        self._dialect = Dialect()

    def stream(self, prompt: Prompt, sink: StreamSink, deadline_s: float) -> Stream:
        """See Provider."""
        seam = Seam(prompt.continue_text) if prompt.continue_text and self.can_continue else None
        beginning = seam.sent if seam else ""
        return HttpStream(lambda: self._ask(prompt, beginning, deadline_s), sink, seam, self._key)

    def count_tokens(self, text: str) -> int:
        """See Provider."""
        return count_tokens(text)

    def _ask(self, prompt: Prompt, beginning: str, deadline_s: float) -> Answer:
        """Post the prompt until the server takes its form; raises ProviderError for every other refusal."""
        until = clock.monotonic() + deadline_s
        while True:
            body = encode_request(prompt, self.model, beginning, self._mode, self._dialect)
            left_s = max(until - clock.monotonic(), 0.001)
            answer = post(self._route, _PATH, self._headers, body, left_s)
            if _is_stream(answer.head):
                return answer
            try:
                words = read_body(answer, max(until - clock.monotonic(), 0.001))
            finally:
                answer.wire.close()
            if not self._dialect.learn(answer.head.status, words):
                raise from_answer(answer.head, words, self._key)


def _is_stream(head: Head) -> bool:
    return head.status == 200 and head.media_type in _STREAM_TYPES


def _headers(api_key: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "User-Agent": "z-gpt"}
    return {**headers, "Authorization": f"Bearer {api_key}"} if api_key else headers
