"""Every command that a page tells an operator to type exists, with its options; and the runbook lists every alert."""

import re

import click
import pytest
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo

from tests.support.tree import ROOT, texts

PAGES = [
    *texts(".md", under="docs"),
    *texts(".md", under="runbooks"),
    ("SECURITY.md", (ROOT / "SECURITY.md").read_text()),
]
RUNBOOK = ROOT / "docs" / "RUNBOOK.md"
TYPED = re.compile(r"(?:^|`)flask ([a-z][^`\n#]*)", re.MULTILINE)
TYPED_MAKE = re.compile(r"`make ([a-z-]+)")
EACH = sorted({(name, " ".join(line.split())) for name, text in PAGES for line in TYPED.findall(text)})


def _followed(group: click.Command, words: list[str], context: click.Context) -> tuple[click.Command | None, list[str]]:
    """The command that the first words lead to, and what is left of them."""
    command: click.Command | None = group
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command, words = command.get_command(context, words[0]), words[1:]
    return command, words


@pytest.mark.parametrize(("page", "line"), EACH)
def test_a_command_exists_with_its_options(page: str, line: str, app: Flask) -> None:
    flask = FlaskGroup(create_app=lambda: app)
    with click.Context(flask, obj=ScriptInfo(create_app=lambda: app)) as context:
        command, rest = _followed(flask, line.split(), context)

    assert command is not None
    known = {option for param in command.params for option in param.opts}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known


def test_there_are_commands_to_look_at() -> None:
    assert len({line for name, line in EACH if name == "docs/RUNBOOK.md"}) > 15


def test_what_make_is_asked_for_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert [(name, word) for name, text in PAGES for word in TYPED_MAKE.findall(text) if word not in targets] == []


def test_the_runbook_lists_every_alert() -> None:
    listed = re.findall(r"^\| \[(Zgpt\w+)\]", RUNBOOK.read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(page.stem for page in (ROOT / "runbooks").glob("*.md"))
