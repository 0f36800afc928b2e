"""The shape of the demo, and its reading from `stories.toml`. `actions` writes it down."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

FILE = Path(__file__).with_name("stories.toml")


class Answer(msgspec.Struct, frozen=True):
    """One attempt to answer. Only the last one of a turn has a next turn after it; the others are its siblings."""

    text: str
    ending: Literal["completed", "stopped", "failed"] = "completed"
    reasoning: str = ""


class Turn(msgspec.Struct, frozen=True):
    """A question with all its answers; `earlier` are the wordings that the person replaced by this one."""

    question: str
    answers: tuple[Answer, ...]
    earlier: tuple[str, ...] = ()


class Story(msgspec.Struct, frozen=True):
    """One session, begun `hours_ago`; its title is the model's unless the person gave it."""

    title: str
    hours_ago: float
    turns: tuple[Turn, ...]
    named_by_person: bool = False


class Person(msgspec.Struct, frozen=True):
    """One user of the demo."""

    name: str
    email: str
    stories: tuple[Story, ...]


class Demo(msgspec.Struct, frozen=True):
    """All of it."""

    people: tuple[Person, ...]


def read_demo() -> Demo:
    """The demo that comes with Z-GPT."""
    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), Demo)
