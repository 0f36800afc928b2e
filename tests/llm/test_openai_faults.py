"""What a model server does wrong, and what it is told as."""

from contextlib import ExitStack

import gevent
import pytest
from gevent import socket

from zgpt.llm import base
from zgpt.llm.body import MAX_HEAD_BYTES
from zgpt.llm.openai import HttpProvider
from zgpt.llm.sse import MAX_LINE_BYTES

from .sink import CHUNKED, DONE, HEAD, STOP, Sink, Talk, ask, delta, prompt, says, serving

KEY = "sk-very-secret-123"


def answer(status: str, body: bytes, media_type: str = "application/json", more: str = "") -> Talk:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return says(head.encode() + body)


def error(text: str) -> bytes:
    return b'{"error":{"message":"%s","type":"x"}}' % text.encode()


@pytest.mark.parametrize(
    ("talk", "code", "retryable", "words"),
    [
        (answer("401 No", error(f"Incorrect key {KEY}")), base.REFUSED_KEY, False, "refused the key"),
        (answer("403 No", b""), base.REFUSED_KEY, False, "LLM_API_KEY"),
        (answer("429 Slow", error("slow down"), more="Retry-After: 7\r\n"), base.RATE_LIMITED, True, "“slow down”"),
        (
            answer("503 X", b"<html><title>t</title><p>Down for <b>a bit</b>", "text/html"),
            base.FAILED,
            True,
            "Down for a bit",
        ),
        (answer("500 X", b'{"detail":"cuda out of memory"}'), base.FAILED, True, "cuda out of memory"),
        (answer("404 X", error("no such model")), base.REJECTED, False, "“no such model”"),
        (answer("302 X", b"", more="Location: http://other/\r\n"), base.REJECTED, False, "LLM_BASE_URL"),
        (answer("400 X", error("request exceeds the available context size")), base.CONTEXT_TOO_LONG, False, "longer"),
        (answer("400 X", b'{"error":{"code":"context_length_exceeded"}}'), base.CONTEXT_TOO_LONG, False, "longer"),
        (answer("200 OK", b"<html>It works!", "text/html"), base.GARBAGE, False, "web page"),
        (answer("200 OK", error("quota is used up")), base.GARBAGE, True, "quota is used up"),
        (says(b""), base.CUT, True, "without an answer"),
        (says(HEAD), base.CUT, True, "without an answer"),
        (says(HEAD, DONE), base.CUT, True, "without an answer"),
        (says(b"\x00\x01\x02binary"), base.GARBAGE, True, "HTTP/1.1"),
        (says(b"HTTP/1.1 200 OK\r\nX"), base.GARBAGE, True, "within its head"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD_BYTES), base.GARBAGE, True, "larger than 65536"),
        (says(HEAD, b"<html>no stream</html>"), base.GARBAGE, True, "not an event stream"),
        (says(HEAD, b'data: {"choices":[{"del\n\n'), base.GARBAGE, True, "not the JSON"),
        (says(HEAD, b'data: {"choices":[{"delta":{"content":[1]}}]}\n\n'), base.GARBAGE, True, "not the JSON"),
        (says(HEAD, b"data: " + b"[" * 100_000 + b"\n\n"), base.GARBAGE, True, "not the JSON"),
        (says(HEAD, b"data: " + b"x" * (MAX_LINE_BYTES + 1)), base.GARBAGE, True, "longer than"),
        (says(CHUNKED, b"zz\r\n"), base.GARBAGE, True, "framing"),
        (
            says(HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"), b"x"),
            base.GARBAGE,
            True,
            "compressed",
        ),
    ],
)
def test_a_fault_before_the_first_token_is_told_in_words(talk: Talk, code: str, retryable: bool, words: str) -> None:
    sink = ask(talk, api_key=KEY)
    fault = sink.error
    assert (fault.code, fault.retryable, sink.deltas) == (code, retryable, [])
    assert words in fault.message
    assert KEY not in fault.message


@pytest.mark.parametrize(
    ("rest", "code", "words"),
    [
        ([], base.CUT, "mid-answer"),
        ([b'data: {"choices":[{"delta":{"content":"lost'], base.CUT, "mid-answer"),
        ([b'data: {"error":{"message":"worker died"}}\n\n'], base.FAILED, "worker died"),
        ([b'data: {"error":"out of memory"}\n\n', STOP, DONE], base.FAILED, "out of memory"),
        ([b"data: oops\n\n", STOP, DONE], base.GARBAGE, "not the JSON"),
        ([b'data: {"error":{"type":"exceed_context_size_error"}}\n\n'], base.CONTEXT_TOO_LONG, "longer"),
    ],
)
def test_a_fault_in_mid_answer_keeps_what_came_and_is_told_once(rest: list[bytes], code: str, words: str) -> None:
    sink = ask(says(HEAD, delta("kept"), *rest))
    assert (sink.text, sink.error.code) == ("kept", code)
    assert words in sink.error.message


def test_a_chunked_answer_that_ends_without_its_last_chunk_is_cut() -> None:
    part = delta("kept")
    assert ask(says(CHUNKED, b"%x\r\n%s\r\n" % (len(part), part))).error.code == base.CUT


def test_a_reset_in_mid_answer_is_a_cut() -> None:
    def talk(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(HEAD + delta("kept"))
        gevent.sleep(0.05)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    sink = ask(talk)
    assert (sink.text, sink.error.code) == ("kept", base.CUT)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("99999999", 3600.0), ("soon", None), ("-1", None)])
def test_retry_after_is_told_within_reason(header: str, seconds: float | None) -> None:
    assert ask(answer("429 X", b"", more=f"Retry-After: {header}\r\n")).error.retry_after_s == seconds


def test_nobody_listening_is_told_at_once() -> None:
    sink = Sink()
    with serving(says(b"")) as url:
        pass
    HttpProvider(url, "m").stream(prompt(), sink, 5.0)
    assert (sink.error.code, sink.error.retryable) == (base.UNREACHABLE, True)
    assert "refused" in sink.error.message


def test_an_unknown_name_is_told() -> None:
    sink = Sink()
    HttpProvider("http://nowhere.invalid/v1", "m").stream(prompt(), sink, 5.0)
    assert sink.error.code in {base.UNREACHABLE, base.TIMEOUT}


def test_a_head_that_does_not_come_in_time_is_told() -> None:
    def talk(sock: socket.socket, _request: bytes) -> None:
        sock.recv(1)

    sink = Sink()
    with serving(talk) as url:
        HttpProvider(url, "m").stream(prompt(), sink, 0.1)
        assert (sink.error.code, sink.error.retryable) == (base.TIMEOUT, True)
    assert "begin its answer within 0.1 s" in sink.error.message


def test_a_connection_that_is_not_made_in_time_is_told() -> None:
    with ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        for _ in range(3):  # fills the queue, after which the kernel answers nobody
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        sink = Sink()
        provider = HttpProvider(f"http://127.0.0.1:{address[1]}", "m", connect_timeout_s=0.1)
        provider.stream(prompt(), sink, 5.0)
        assert sink.error.code == base.TIMEOUT
        assert "accept a connection" in sink.error.message


def test_a_sink_that_breaks_ends_its_own_answer_only(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(Sink):
        def on_delta(self, part: base.Part, data: bytes) -> None:
            raise RuntimeError("broken sink")

    broken, whole = Broken(), Sink()
    with serving(says(HEAD, delta("a"), STOP, DONE, pause_s=0.01)) as url:
        provider = HttpProvider(url, "m")
        provider.stream(prompt(), broken, 5.0)
        provider.stream(prompt(), whole, 5.0)
        assert (broken.error.code, whole.end.reason) == ("internal", "stop")
    assert "broken sink" in capfd.readouterr().err
