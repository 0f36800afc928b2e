"""A model server's good answers, over real sockets."""

import json

import gevent
import pytest
from gevent import socket
from hypothesis import given, settings
from hypothesis import strategies as st

from zgpt.llm.base import Prompt, StreamEnd, Turn, Usage
from zgpt.llm.openai import HttpProvider
from zgpt.llm.request import Continue

from .sink import CHUNKED, DONE, HEAD, STOP, Sink, ask, delta, prompt, read_request, says, serving
from .test_sse import cut

USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
ANSWER = delta("Hé") + delta("llo") + STOP + USAGE + DONE


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_an_answer_comes_in_deltas_with_its_usage() -> None:
    sink = ask(says(HEAD, ANSWER))
    assert sink.deltas == [("text", "Hé".encode()), ("text", b"llo")]
    assert sink.end == StreamEnd("stop", Usage(7, 2))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=6))
def test_the_answer_does_not_depend_on_how_it_is_cut(places: list[int]) -> None:
    wire = CHUNKED + chunked(ANSWER[:40], ANSWER[40:])
    sink = ask(says(*cut(wire, places), pause_s=0.0005))
    assert (sink.text, sink.end) == ("Héllo", StreamEnd("stop", Usage(7, 2)))


@pytest.mark.parametrize(
    "wire",
    [
        HEAD + ANSWER,
        CHUNKED + chunked(ANSWER),
        HEAD.replace(b"Connection: close", b"Content-Length: %d" % len(ANSWER)) + ANSWER,
        HEAD.replace(b"text/event-stream", b"text/plain") + ANSWER.replace(b"\n", b"\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b": ping\n\n" + ANSWER,
        HEAD + delta("Hé") + delta("llo") + STOP,
        HEAD + delta("Hé") + delta("llo") + DONE,
    ],
    ids=["until-close", "chunked", "length", "crlf", "interim-and-comment", "no-done", "no-finish-reason"],
)
def test_every_framing_gives_the_same_answer(wire: bytes) -> None:
    sink = ask(says(wire))
    assert (sink.text, sink.end.reason) == ("Héllo", "stop")


def test_a_server_that_says_nothing_after_its_finish_reason_does_not_delay_the_end() -> None:
    def talk(sock: socket.socket, _request: bytes) -> None:
        sock.sendall(HEAD + delta("x") + STOP)
        sock.recv(1)  # until the provider hangs up

    assert ask(talk).end == StreamEnd("stop")


@pytest.mark.parametrize("field", [b"reasoning_content", b"reasoning"])
def test_reasoning_is_a_part_of_its_own(field: bytes) -> None:
    thought = b'data: {"choices":[{"delta":{"' + field + b'":"hm"}}]}\n\n'
    sink = ask(says(HEAD, thought, ANSWER))
    assert (sink.reasoning, sink.text) == ("hm", "Héllo")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(rb"a\ud83db", "a\ufffdb"), (b"a\xffb", "a\ufffdb"), (rb"\ud83d\ude00", "😀"), (rb"\udc00", "\ufffd")],
)
def test_what_is_no_character_becomes_a_replacement_character(raw: bytes, shown: str) -> None:
    event = b'data: {"choices":[{"delta":{"content":"' + raw + b'"}}]}\n\n'
    assert ask(says(HEAD, event, STOP, DONE)).text == shown


def test_fields_may_be_null_or_missing_or_unknown() -> None:
    odd = (
        b'data: {"choices":null,"usage":null,"error":null}\n\n'
        b'data: {}\n\ndata: {"choices":[{"delta":null,"finish_reason":null}]}\n\n'
        b'data: {"choices":[{"delta":{"role":"assistant","content":null},"x":[1]}]}\n\n'
    )
    sink = ask(says(HEAD, odd, ANSWER))
    assert sink.text == "Héllo"


def test_the_request_carries_the_conversation_the_key_and_no_wish_for_compression() -> None:
    seen: list[bytes] = []

    def talk(sock: socket.socket, request: bytes) -> None:
        seen.append(request)
        sock.sendall(HEAD + ANSWER)

    with serving(talk) as url:
        sink = Sink()
        turns = (Turn("system", "Be kind."), Turn("user", "Hé?"))
        HttpProvider(url, "some-model", api_key="sk-1").stream(Prompt(turns, 9, 0.5), sink, 5.0)
        assert sink.end.reason
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAuthorization: Bearer sk-1\r\n" in head
    assert b"\r\nAccept-Encoding: identity\r\n" in head
    assert json.loads(body) == {
        "model": "some-model",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hé?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 9,
        "temperature": 0.5,
    }


def test_a_field_that_the_server_does_not_know_is_sent_otherwise_and_remembered() -> None:
    bodies: list[dict[str, object]] = []

    def talk(sock: socket.socket, request: bytes) -> None:
        bodies.append(json.loads(request.partition(b"\r\n\r\n")[2]))
        if "max_tokens" in bodies[-1]:
            text = b'{"error":{"message":"Use \'max_completion_tokens\' instead of \'max_tokens\'."}}'
            sock.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        else:
            sock.sendall(HEAD + ANSWER)

    with serving(talk) as url:
        provider = HttpProvider(url, "m")
        for _ in range(2):
            sink = Sink()
            provider.stream(prompt(), sink, 5.0)
            assert sink.end.reason
    assert [("max_tokens" in body, body.get("max_completion_tokens")) for body in bodies] == [
        (True, None),
        (False, 100),
        (False, 100),
    ]


@pytest.mark.parametrize(
    ("mode", "extra"),
    [("trailing", {}), ("vllm", {"continue_final_message": True, "add_generation_prompt": False})],
)
def test_an_answer_is_continued_from_its_beginning(mode: Continue, extra: dict[str, object]) -> None:
    bodies: list[dict[str, object]] = []

    def talk(sock: socket.socket, request: bytes) -> None:
        bodies.append(json.loads(request.partition(b"\r\n\r\n")[2]))
        sock.sendall(HEAD + delta(" of") + delta(" tea") + STOP + DONE)

    with serving(talk) as url:
        provider = HttpProvider(url, "m", continue_mode=mode)
        sink = Sink()
        provider.stream(prompt("What?", "A cup "), sink, 5.0)
        assert (sink.end.reason, sink.text) == ("stop", "of tea")
    assert provider.can_continue
    assert bodies[0]["messages"] == [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "A cup"}]
    assert extra.items() <= bodies[0].items()


def test_a_hundred_answers_at_once_stay_apart() -> None:
    def talk(sock: socket.socket, request: bytes) -> None:
        word = json.loads(request.partition(b"\r\n\r\n")[2])["messages"][0]["content"]
        sock.sendall(HEAD)
        for at in range(10):
            sock.sendall(delta(f"{word}.{at} "))
            gevent.sleep(0.001)
        sock.sendall(STOP + DONE)

    with serving(talk) as url:
        provider = HttpProvider(url, "m")
        sinks = [Sink() for _ in range(100)]
        for at, sink in enumerate(sinks):
            provider.stream(prompt(f"q{at}"), sink, 10.0)
        for at, sink in enumerate(sinks):
            assert sink.end.reason
            assert sink.text == "".join(f"q{at}.{n} " for n in range(10))


def test_requests_are_read_whole_by_the_tests_own_server() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        gevent.spawn(ours.sendall, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        assert read_request(theirs).endswith(b"\r\n\r\nabc")
