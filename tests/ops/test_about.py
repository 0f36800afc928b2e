"""What the web app learns before anybody signs in."""

from collections.abc import Callable

import pytest
from flask import Flask

import zgpt


def test_nothing_set_tells_of_the_built_in_model(make_app: Callable[..., Flask]) -> None:
    answer = make_app().test_client().get("/api/v1/app").get_json()
    assert (answer["name"], answer["version"], answer["signup"]) == ("Z-GPT", zgpt.__version__, True)
    assert answer["model"]["id"] == "smollm2-135m-instruct"
    assert answer["model"]["about"]
    assert len(answer["prompts"]) == 3
    assert answer["limits"] == {"message_bytes": 32_768}


@pytest.mark.parametrize(
    ("env", "model"),
    [
        ({"LLM_MODEL": "qwen3-8b"}, ("qwen3-8b", "qwen3-8b")),
        ({"LLM_MODEL": "qwen3-8b", "LLM_NAME": "Qwen"}, ("qwen3-8b", "Qwen")),
        ({}, ("default", "default")),
    ],
)
def test_another_model_is_told_by_its_names(
    make_app: Callable[..., Flask], env: dict[str, str], model: tuple[str, str]
) -> None:
    app = make_app(LLM_BASE_URL="http://127.0.0.1:1/v1", **env)
    told = app.test_client().get("/api/v1/app").get_json()["model"]
    assert (told["id"], told["name"]) == model
