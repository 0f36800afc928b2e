"""The built-in model itself: found, served, asked, continued, cancelled."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import free_port, polls
from zgpt.llm import base, local
from zgpt.llm.base import Prompt, Turn
from zgpt.llm.complete import complete
from zgpt.llm.local import Address, LocalProvider, ModelMissingError, find_model_file, read_address, write_address
from zgpt.serve.child import answers

from .sink import Sink, prompt

START_TIMEOUT_S = 60.0
QUESTION = (Turn("user", "Tell me of the sea."),)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The real model, running; the directory with its address."""
    folder, port = tmp_path_factory.mktemp("model"), free_port()
    config = {"model": str(find_model_file()), "alias": local.MODEL_ALIAS, "port": port, "key": "k" * 20}
    argv = [sys.executable, "-m", "zgpt.llm.local_server"]
    silence = subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=silence, stderr=silence) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps({**config, "slots": 2, "threads": 1}).encode() + b"\n")
        process.stdin.flush()
        write_address(folder, Address(f"http://127.0.0.1:{port}/v1", "k" * 20))
        assert any(answers("127.0.0.1", port, "/health") for _ in polls(START_TIMEOUT_S)), "the model did not start"
        yield folder
        process.stdin.close()
        assert process.wait(10) == 0  # the end of stdin is the sign to go


def test_the_model_answers_and_counts_its_tokens(model: Path) -> None:
    sink = Sink()
    LocalProvider(model, 5.0).stream(Prompt(QUESTION, 12, 0.0), sink, 30.0)
    assert (sink.end.reason, len(sink.deltas)) == ("length", 12)
    assert sink.end.usage is not None
    assert sink.end.usage.completion_tokens == 12
    assert sink.end.usage.prompt_tokens > 5


def test_the_model_continues_an_answer_where_it_ended(model: Path) -> None:
    provider = LocalProvider(model, 5.0)
    sink = Sink()
    provider.stream(Prompt(QUESTION, 12, 0.0), sink, 30.0)
    assert sink.end.reason
    for kept in (3, 6, 9):
        beginning = b"".join(data for _, data in sink.deltas[:kept]).decode()
        for tail in ("", " "):
            rest = complete(provider, Prompt(QUESTION, 12 - kept, 0.0, beginning + tail), 30.0)
            assert beginning + tail + rest == sink.text


def test_a_conversation_that_is_too_long_is_told_as_such(model: Path) -> None:
    sink = Sink()
    LocalProvider(model, 5.0).stream(prompt("sea " * 3000), sink, 30.0)
    assert (sink.error.code, sink.error.retryable) == (base.CONTEXT_TOO_LONG, False)


def test_a_wrong_key_is_refused(model: Path, tmp_path: Path) -> None:
    address = read_address(model)
    assert address is not None
    write_address(tmp_path, Address(address.url, "wrong"))
    sink = Sink()
    LocalProvider(tmp_path, 5.0).stream(prompt(), sink, 5.0)
    assert sink.error.code == base.REFUSED_KEY


def test_an_answer_that_was_closed_leaves_the_slot_to_the_next(model: Path) -> None:
    provider = LocalProvider(model, 5.0)
    for _ in range(4):  # more than there are slots
        sink = Sink()
        stream = provider.stream(Prompt(QUESTION, 1000, 0.0), sink, 30.0)
        assert sink.began.wait(30.0)
        stream.close()
    assert complete(provider, Prompt(QUESTION, 3, 0.0), 10.0)


def test_a_model_that_does_not_run_is_told_and_found_once_it_does(model: Path, tmp_path: Path) -> None:
    provider, sink = LocalProvider(tmp_path, 5.0), Sink()
    provider.stream(prompt(), sink, 5.0)
    assert (sink.error.code, sink.error.retryable) == (base.UNREACHABLE, True)
    assert "zgpt serve" in sink.error.message
    address = read_address(model)
    assert address is not None
    write_address(tmp_path, address)
    assert complete(provider, Prompt(QUESTION, 3, 0.0), 10.0)


def test_the_address_is_for_this_user_alone(tmp_path: Path) -> None:
    write_address(tmp_path, Address("http://127.0.0.1:1/v1", "key"))
    assert (tmp_path / local.ADDRESS_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [local.ADDRESS_FILE]


def test_an_address_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / local.ADDRESS_FILE).write_text("{half")
    assert read_address(tmp_path) is None


def test_a_missing_model_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_PACKAGE", "no_such_package")
    with pytest.raises(ModelMissingError, match="LLM_BASE_URL"):
        find_model_file()
