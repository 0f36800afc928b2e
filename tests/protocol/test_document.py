"""docs/protocol.md names exactly what there is: commands, events, fields, error codes, close codes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.protocol.examples import examples
from tests.support.tree import ROOT
from zgpt.core import errors
from zgpt.gateway import client, commands, handler
from zgpt.llm import base
from zgpt.realtime import close_codes, protocol

TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
NEVER_SENT = {close_codes.NO_STATUS, close_codes.ABNORMAL}
RUN_CODES_OF_OURS = {"provider_empty", "interrupted", "internal", "busy", "unavailable", "blocked"}
REST_ONLY = {"bad_request", "forbidden", "unsupported_media_type"}
"""Codes of faults that no command can raise."""


def _section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _tables(title: str) -> list[dict[str, str]]:
    """The tables of a section: first cell (without backticks) to the rest of the row, heads left out."""
    tables = re.split(r"\n\|[^\n]*\|\n\|(?:---\|)+\n", _section(title))[1:]
    return [dict(re.findall(r"^\| `?([\w.]+)`? \|(.*)$", table, re.MULTILINE)) for table in tables]


def _constants(of: object) -> Iterator[str]:
    yield from (value for name, value in vars(of).items() if name.isupper() and isinstance(value, str))


def test_each_command_has_a_row_that_names_its_fields_and_its_result() -> None:
    [rows] = _tables("Commands")
    found = examples("commands")
    assert list(rows) == list({str(c.__struct_config__.tag): 0 for c in protocol.COMMANDS})
    for kind, row in rows.items():
        for field in {*found[kind], *examples("results")[kind]} - {"type", "id"}:
            assert f"`{field}`" in row or "like `message.send`" in row, f"{kind}: {field}"


def test_each_event_has_a_row_that_names_its_fields() -> None:
    [rows] = _tables("Events")
    found = examples("events")
    assert set(rows) == set(found)
    for kind, row in rows.items():
        for field in set(found[kind]) - {"type"}:
            assert f"`{field}`" in row, f"{kind}: {field}"


def test_each_error_code_of_a_command_has_a_row() -> None:
    rows, _ = _tables("Errors")
    kinds = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Problem)}
    frames = {"bad_frame", "unknown_command", "invalid"}
    of_features = {"scope_missing", "blocked", "too_many_runs", "quota_exhausted"}
    raised = set(re.findall(r'code="(\w+)"', _sources("gateway", "runs/actions.py", "runs/schemas.py")))
    told = set(re.findall(r'Error\(command\.?_?id, "(\w+)"', _sources("gateway")))
    assert set(rows) == (kinds - REST_ONLY) | frames | of_features | raised | told


def test_each_error_code_of_a_run_has_a_row() -> None:
    _, rows = _tables("Errors")
    codes = {code for code in _constants(base) if re.fullmatch(r"[a-z_]+", code)}
    assert set(rows) == codes | RUN_CODES_OF_OURS


def test_each_close_code_that_is_sent_has_a_row_and_no_other() -> None:
    [rows] = _tables("Closing")
    named = {value for name, value in vars(close_codes).items() if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}
    assert {int(code) for code in rows} == named - NEVER_SENT


def test_a_client_returns_after_every_code_below_4500_and_after_none_above() -> None:
    [rows] = _tables("Closing")
    assert {code for code in rows if close_codes.is_final(int(code))} == {"4501"}
    assert all(close_codes.is_sendable(int(code)) for code in rows)
    assert not any(close_codes.is_sendable(code) for code in NEVER_SENT)


@pytest.mark.parametrize("code", [1000, 4501, 1005, 1006])
def test_a_metric_names_our_codes_and_lumps_the_others(code: int) -> None:
    assert close_codes.label(code) == str(code)
    assert close_codes.label(3999) == "other"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (protocol.ID_CHARS, "1 to {} characters"),
        (protocol.HOLDS_PER_OPEN, "at most {} of them"),
        (commands.SESSIONS_PER_CONNECTION, "At most {} sessions at once"),
        (client.COMMANDS_AT_ONCE, "At most {} commands at once"),
        (int(client.COMMANDS_PER_S), "and {} a second"),
        (f"{client.REFUSALS_BEFORE_CLOSE:,}", "more than {} refused commands"),
        (protocol.PROTOCOL_VERSION, "`protocol` ({})"),
    ],
)
def test_each_number_is_the_one_in_the_code(number: object, words: str) -> None:
    assert words.format(number) in TEXT


def test_the_grace_after_expiry_is_the_one_of_the_example() -> None:
    assert examples("events")["auth.expiring"]["grace_s"] == handler.AUTH_GRACE_S


def _sources(*parts: str) -> str:
    paths: list[Path] = []
    for part in parts:
        place = ROOT / "zgpt" / part
        paths += place.rglob("*.py") if place.is_dir() else [place]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
