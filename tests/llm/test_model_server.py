"""The scripted model server of the journeys and benchmarks, seen through a real provider."""

from collections.abc import Iterator

import pytest

from tests.support.model_process import ModelServer
from tests.support.processes import polls
from zgpt.llm import base
from zgpt.llm.openai import HttpProvider

from .sink import Sink, prompt


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    server = ModelServer(tmp_path_factory.mktemp("model-server"), key="sk-test")
    server.start()
    yield server
    server.close()


def ask(server: ModelServer, text: str, continue_text: str = "", key: str = "sk-test") -> Sink:
    sink = Sink()
    provider = HttpProvider(server.url, "m", api_key=key, continue_mode="trailing")
    provider.stream(prompt(text, continue_text), sink, 1.0)
    assert sink.ended.wait(10)
    return sink


COUNT_9 = "".join(f"{at} " for at in range(9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("count:9@500", COUNT_9),
        ("count:9", COUNT_9),
        ("nodone:9", COUNT_9),
        ("slowhead:0.1", "0 1 2 3 4 "),
        ("echo:two words", "two words"),
        ("What is it?", "You said: What is it?"),
        ("Give it a title", "A short title"),
    ],
)
def test_it_says_what_the_question_asks_for(server: ModelServer, text: str, said: str) -> None:
    sink = ask(server, text)
    assert (sink.text, sink.end.reason) == (said, "stop")
    assert sink.end.usage is not None


@pytest.mark.parametrize("kept", [0, 2, 7, 8, 17, 18])
def test_it_continues_a_beginning(server: ModelServer, kept: int) -> None:
    assert COUNT_9[:kept] + ask(server, "count:9@500", COUNT_9[:kept]).text == COUNT_9


def test_it_reasons_first(server: ModelServer) -> None:
    sink = ask(server, "reason:2@500")
    assert (sink.reasoning, sink.text) == ("r0 r1 ", "0 1 ")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("error:503", base.FAILED, ""),
        ("error:429", base.RATE_LIMITED, ""),
        ("html", base.GARBAGE, ""),
        ("half", base.GARBAGE, ""),
        ("garbage", base.GARBAGE, ""),
        ("empty", base.CUT, ""),
        ("nothing", base.TIMEOUT, ""),
        ("cut:3", base.CUT, "0 1 2 "),
        ("oops:3", base.FAILED, "0 1 2 "),
    ],
)
def test_it_breaks_as_the_question_asks(server: ModelServer, text: str, code: str, said: str) -> None:
    sink = ask(server, text)
    assert (sink.error.code, sink.text) == (code, said)


def test_it_wants_its_key(server: ModelServer) -> None:
    assert ask(server, "count", key="other").error.code == base.REFUSED_KEY


def test_it_counts_what_was_cancelled_and_what_ended(server: ModelServer) -> None:
    before = server.stats()
    provider = HttpProvider(server.url, "m", api_key="sk-test")
    for text in ("stall:2", "count:1000@100"):
        sink = Sink()
        stream = provider.stream(prompt(text), sink, 1.0)
        assert sink.began.wait(5)
        assert server.stats()["open"] == 1
        stream.close()
        assert any(server.stats()["open"] == 0 for _ in polls(5.0))
    ask(server, "count:3")
    after = server.stats()
    assert [after[name] - before[name] for name in ("cancelled", "finished", "requests")] == [2, 1, 3]
