"""An export as pieces of text: JSON for programs, Markdown for people. Pure; rows come from `queries`."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from zgpt.core import clock

Format = Literal["json", "markdown"]
Row = dict[str, Any]
VERSION = 1
MEDIA_TYPES: dict[Format, str] = {"json": "application/json", "markdown": "text/markdown; charset=utf-8"}
SUFFIXES: dict[Format, str] = {"json": "json", "markdown": "md"}
SPEAKERS = {"user": "You", "assistant": "Answer", "system": "System"}


@dataclass(frozen=True, slots=True)
class Belongings:
    """All that is one user's: read while it is written out, never held as a whole."""

    made_at: datetime
    account: Row
    lists: Mapping[str, Iterable[Row]]
    sessions: Iterable[Row]
    messages_of: Callable[[str], Iterable[Row]]


def pieces(form: Format, all_of_it: Belongings) -> Iterator[str]:
    """The file, from beginning to end."""
    return _json(all_of_it) if form == "json" else _markdown(all_of_it)


def file_name(form: Format, made_at: datetime) -> str:
    """What a browser calls the file."""
    return f"zgpt-export-{made_at.date().isoformat()}.{SUFFIXES[form]}"


def _json(all_of_it: Belongings) -> Iterator[str]:
    head = {"format": "zgpt-export", "version": VERSION, "made_at": all_of_it.made_at, "account": all_of_it.account}
    yield _dump(head)[:-1]
    for name, rows in all_of_it.lists.items():
        yield f',\n"{name}":['
        yield from _joined(_dump(row) for row in rows)
        yield "]"
    yield ',\n"sessions":['
    for number, session in enumerate(all_of_it.sessions):
        yield (",\n" if number else "\n") + _dump(session)[:-1] + ',"messages":['
        yield from _joined(_dump(message) for message in all_of_it.messages_of(session["id"]))
        yield "]}"
    yield "]}\n"


def _joined(texts: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield (",\n" if number else "\n") + text


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> str:
    return clock.iso(value) if isinstance(value, datetime) else str(value)


def _markdown(all_of_it: Belongings) -> Iterator[str]:
    yield f"# Z-GPT: everything of {all_of_it.account['email'] or 'this account'}\n\n"
    yield f"Made on {clock.iso(all_of_it.made_at)}.\n\n## Account\n\n"
    yield "".join(f"- {_line(name)}: {_cell(value)}\n" for name, value in all_of_it.account.items())
    for name, rows in all_of_it.lists.items():
        yield from _table(name, rows)
    for session in all_of_it.sessions:
        yield f"\n## {_line(session['title']) or 'Without a title'}\n\n{_cell(session['created_at'])}\n"
        for message in all_of_it.messages_of(session["id"]):
            yield from _turn(message)


def _table(name: str, rows: Iterable[Row]) -> Iterator[str]:
    for number, row in enumerate(rows):
        if not number:
            yield f"\n## {_line(name.replace('_', ' ').capitalize())}\n\n"
        told = ", ".join(f"{key} {_cell(value)}" for key, value in row.items() if value not in (None, "", {}))
        yield f"- {told}\n"


def _turn(message: Row) -> Iterator[str]:
    """The words stand as they are, for they are Markdown already; what was thought is quoted."""
    by = f" ({_line(message['model'])})" if message["model"] else ""
    yield f"\n---\n\n**{SPEAKERS[message['role']]}{by}, {_cell(message['created_at'])}**\n\n"
    if message["reasoning"]:
        yield "\n".join(f"> {line}" for line in message["reasoning"].splitlines()) + "\n\n"
    kept = [run["text_kept"] for run in message["runs"] if "text_kept" in run]
    yield (message["text"] or "\n\n".join(kept) or "(no text)") + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return _line(_dump(value))
    return _line(_plain(value)) if value is not None else "none"


def _line(text: Any) -> str:
    """On one line, with nothing that would begin a link or a tag."""
    words = " ".join(str(text).split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|" else char for char in words)
