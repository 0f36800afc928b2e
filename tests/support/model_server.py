"""A model server that does as the question says: OpenAI-compatible, scripted, cheap enough for 10,000 tokens a second.

    python -m tests.support.model_server [--port 0] [--key KEY]      (prints its port, then serves)

The last user message (or else the model's name) chooses what happens:

    count:200@50     200 tokens at 50 a second, always the same text: "0 1 2 3 …"  (without @: as fast as it can)
    stamp:200@50     the same, each token the sender's monotonic clock in nanoseconds
    reason:5@50      5 tokens of reasoning, then 5 of text
    echo:words       the words, as one token each
    spell:text@50    the text, one character at a time
    stall:5          5 tokens, then silence          silent     a head, then nothing
    slowhead:2       the head comes after 2 s        nothing    never an answer
    cut:40           40 tokens, then the end of the connection
    oops:5           5 tokens, then an error inside the stream
    nodone:5         5 tokens, a finish_reason, no [DONE]
    error:503        that status, with an error object       html  half  empty  garbage    what they say

Any other message is answered with "You said: …", a request for a title with "A short title". A trailing assistant
message is continued where it ends, if it is a beginning of what would be said.
GET /stats tells {"open", "finished", "cancelled", "requests"}; GET /health answers ok.
"""

import argparse
import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
ENVELOPE = (
    '{"id":"chatcmpl-7Yb2c9","object":"chat.completion.chunk","created":1763800000,"model":"scripted",'
    '"system_fingerprint":"fp_1","choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]}'
)
SCRIPT = re.compile(r"([a-z]+)(?::(.*?))?(?:@(\d+(?:\.\d+)?))?", re.DOTALL)
KINDS = frozenset(
    (
        *("count", "stamp", "reason", "echo", "spell", "stall", "silent", "slowhead", "nothing"),
        *("cut", "oops", "nodone", "error", "html", "half", "empty", "garbage"),
    )
)
LAST = 3600.0  # seconds; longer than any test
stats: Counter[str] = Counter()


def event(data: str) -> bytes:
    """One event as one HTTP chunk."""
    body = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(body), body)


def delta(text: str, field: str = "content") -> bytes:
    return event(ENVELOPE % (json.dumps({field: text}), "null"))


def finish(prompt: int, completion: int, *, done: bool = True) -> bytes:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    last = event(ENVELOPE % ("{}", '"stop"')) + event(json.dumps({"choices": [], "usage": usage}))
    return last + (event("[DONE]") if done else b"") + b"0\r\n\r\n"


def answer(status: int, body: bytes, media_type: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}"
    head += "Connection: close\r\n\r\n"
    return head.encode() + body


def refusal(status: int) -> bytes:
    error = {"message": f"scripted refusal {status}", "type": "scripted", "code": status}
    return answer(status, json.dumps({"error": error}).encode(), more="Retry-After: 1\r\n" if status == 429 else "")


def choose(request: dict[str, object]) -> tuple[str, str, float, str]:
    """Kind, argument, tokens a second (0: unbounded) and the beginning to continue."""
    messages = request.get("messages")
    assert isinstance(messages, list)
    beginning = messages.pop()["content"] if messages[-1]["role"] == "assistant" else ""
    asked = next((str(turn["content"]) for turn in reversed(messages) if turn["role"] == "user"), "")
    for text in (asked.strip(), str(request.get("model", ""))):
        match = SCRIPT.fullmatch(text)
        if match and match[1] in KINDS:
            return match[1], match[2] or "", float(match[3] or 0), beginning
    said = "A short title" if "title" in asked.lower() else f"You said: {asked}"
    return "echo", said, 200.0, beginning


def tokens(kind: str, argument: str) -> Iterator[bytes]:
    if kind == "echo":
        yield from (delta(word) for word in re.findall(r"\s*\S+|\s+$", argument))
        return
    if kind == "spell":
        yield from (delta(character) for character in argument)
        return
    count = int(argument or 20)
    if kind == "reason":
        yield from (delta(f"r{at} ", "reasoning_content") for at in range(count))
    for at in range(count):
        yield delta(f"{time.monotonic_ns()} " if kind == "stamp" else f"{at} ")


def remainder(kind: str, argument: str, beginning: str) -> Iterator[bytes]:
    """The tokens behind a beginning; all of them where it is none."""
    if not beginning or kind in {"stamp", "reason"}:
        return tokens(kind, argument)
    text = argument if kind in {"echo", "spell"} else "".join(f"{at} " for at in range(int(argument or 20)))
    rest = text.removeprefix(beginning.rstrip()) if text.startswith(beginning.rstrip()) else text
    return (delta(word) for word in re.findall(r"\s*\S+|\s+$", rest))


class Talk(asyncio.Protocol):
    """One connection, one request."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.received = b""
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.timer: asyncio.TimerHandle | None = None
        self.state = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer:
            self.timer.cancel()
        if self.state == "open":
            stats["open"] -= 1
            stats["cancelled"] += 1

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, mark, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if not mark or self.state or (length and len(body) < int(length[1])):
            return
        self.state = "asked"
        if head.startswith(b"GET /stats"):
            self.close(answer(200, json.dumps(stats).encode()))
            return
        if head.startswith(b"GET "):
            self.close(answer(200, b'{"status":"ok","object":"list","data":[{"id":"scripted"}]}'))
            return
        stats["requests"] += 1
        if self.key and f"Bearer {self.key}".encode() not in head:
            self.close(refusal(401))
            return
        self.act(*choose(json.loads(body)))

    def act(self, kind: str, argument: str, rate: float, beginning: str) -> None:
        plain = {
            "html": answer(200, b"<html><head><title>x</title></head><body>It works!</body></html>", "text/html"),
            "empty": b"",
            "garbage": bytes(range(256)),
            "half": HEAD + event('{"choices":[{"delta":{"content":"hal'),
        }
        if kind in plain:
            self.close(plain[kind])
            return
        if kind == "error":
            self.close(refusal(int(argument or 500)))
            return
        if kind != "nothing":
            self.state = "open"
            stats["open"] += 1
        wait_s = float(argument or 1) if kind == "slowhead" else LAST if kind == "nothing" else 0
        self.timer = self.loop.call_later(wait_s, self.begin, kind, argument, rate, beginning)

    def begin(self, kind: str, argument: str, rate: float, beginning: str) -> None:
        self.transport.write(HEAD)
        if kind in {"silent", "slowhead"}:
            argument = "0" if kind == "silent" else "5"
        words = remainder(kind, argument, beginning)
        self.say(words, kind, 1 / rate if rate else 0.0, self.loop.time(), 0)

    def say(self, words: Iterator[bytes], kind: str, gap_s: float, due: float, said: int) -> None:
        if self.transport.is_closing():
            return
        if not gap_s:
            all_words = list(words)
            self.transport.write(b"".join(all_words))
            self.end(kind, said + len(all_words))
            return
        word = next(words, None)
        if word is None:
            self.end(kind, said)
            return
        self.transport.write(word)
        self.timer = self.loop.call_at(due + gap_s, self.say, words, kind, gap_s, due + gap_s, said + 1)

    def end(self, kind: str, said: int) -> None:
        if kind in {"silent", "stall"}:
            return
        self.state = "done"
        stats["open"] -= 1
        stats["finished"] += 1
        error = event('{"error":{"message":"scripted failure","code":500}}') + b"0\r\n\r\n"
        last = {"cut": b"", "oops": error, "nodone": finish(7, said, done=False)}
        self.close(last.get(kind, finish(7, said)))

    def close(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


async def serve(port: int, key: str) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Talk(key), "127.0.0.1", port, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.key))


if __name__ == "__main__":
    main()
