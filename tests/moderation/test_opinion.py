"""A second opinion is asked of a real server, and whatever that does, the question ends in time."""

import os
from pathlib import Path

import pytest

from tests.support.adviser_process import AdviserServer
from zgpt.core import clock
from zgpt.core.config import Settings, load_settings
from zgpt.moderation.opinion import Adviser, NoOpinionError, Opinion

TIMEOUT_S = 1.0


def settings(url: str, **env: str) -> Settings:
    given = {"MODERATION_URL": url, "MODERATION_TIMEOUT_S": str(TIMEOUT_S), "INSTANCE_DIR": os.devnull, **env}
    return load_settings(given)


@pytest.fixture(params=["endpoint", "guard"])
def adviser(request: pytest.FixtureRequest, adviser_server: AdviserServer) -> Adviser:
    url = adviser_server.url if request.param == "endpoint" else adviser_server.chat_url
    return Adviser(settings(url, MODERATION_MODEL="guard", MODERATION_API_KEY="a-key-for-the-test"))


def test_a_clean_text_is_not_flagged(adviser: Adviser) -> None:
    assert adviser.ask("Good morning", "user") == Opinion(flagged=False)


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_flagged_text_comes_with_its_categories(adviser: Adviser, role: str) -> None:
    opinion = adviser.ask("something bad", "user" if role == "user" else "assistant")
    assert opinion.flagged
    assert not opinion.self_harm
    assert opinion.categories in {("violence",), ("S1",)}


def test_who_may_hurt_themselves_is_told_apart(adviser: Adviser) -> None:
    assert adviser.ask("help me", "user").self_harm
    assert adviser.ask("bad, help me", "user").self_harm


@pytest.mark.parametrize("text", ["hang", "slow", "fail", "garbage", "mojibake", "huge", "odd"])
def test_a_server_in_trouble_gives_no_opinion_within_the_time(adviser: Adviser, text: str) -> None:
    began_s = clock.monotonic()
    with pytest.raises(NoOpinionError):
        adviser.ask(text, "user")
    assert clock.monotonic() - began_s < TIMEOUT_S + 2


def test_a_server_that_is_not_there_gives_no_opinion(tmp_path: Path) -> None:
    with pytest.raises(NoOpinionError, match="cannot be reached"):
        Adviser(settings("http://127.0.0.1:1/v1/moderations")).ask("x", "user")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://key@127.0.0.1:1/v1/moderations"])
def test_an_address_that_cannot_be_used_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Adviser(settings(url))


def test_a_server_with_https_is_asked_by_tls() -> None:
    adviser = Adviser(settings("https://127.0.0.1:1/v1/moderations"))
    assert adviser._route.tls is not None
