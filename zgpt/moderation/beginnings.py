"""From a regular expression to one that matches its beginnings at the end of a text: is a match on its way? Pure.

RE2 says whether a text matches, not whether it may when it goes on. For a pattern of bounded length the second can be
asked as a pattern as well: `abc` may be on its way where `a(?:bc?)?` reaches the end. Python's own parser takes the
pattern apart; RE2 has taken it before, so nothing comes here that needs backtracking.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from typing import Any

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

_CLASSES = {
    "CATEGORY_DIGIT": "0-9",
    "CATEGORY_NOT_DIGIT": "\\D",
    "CATEGORY_SPACE": "\\s",
    "CATEGORY_NOT_SPACE": "\\S",
    "CATEGORY_WORD": "\\w",
    "CATEGORY_NOT_WORD": "\\W",
}
_BOUNDARIES = {"AT_BOUNDARY": "\\b", "AT_NON_BOUNDARY": "\\B"}
_NOTHING = "[^\\x00-\\x{10FFFF}]"
"""Matches no character at all."""
Nodes = Iterable[tuple[Any, Any]]


class NotBoundedError(ValueError):
    """The pattern can match more than may be held back, or asks for the text's beginning or end; says which."""


def beginnings(pattern: str, most_chars: int) -> str:
    """A pattern for every beginning of a match that reaches the end of the text. Raises NotBoundedError."""
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError) as fault:
        raise NotBoundedError(f"it cannot be taken apart: {fault}") from None
    shortest, longest = parsed.getwidth()
    if longest > most_chars:
        raise NotBoundedError(f"it may match more than {most_chars} characters; write {{0,64}} instead of * or +")
    if shortest == 0:
        raise NotBoundedError("it matches nothing at all as well")
    flags = "(?i)" if parsed.state.flags & re.IGNORECASE else ""
    return f"{flags}(?:{_some(list(parsed))})\\z"


def _some(nodes: list[tuple[Any, Any]]) -> str:
    """Beginnings of a sequence that have at least one character."""
    if not nodes:
        return _NOTHING
    (operator, argument), rest = nodes[0], nodes[1:]
    whole = _whole(nodes[:1])
    match str(operator):
        case "AT":
            return f"{whole}(?:{_some(rest)})"
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, inner = argument
            one = f"(?:{_whole(inner)}){{0,{max(0, int(most) - 1)}}}(?:{_some(list(inner))})"
            some = f"(?:{_whole(inner)}){{{max(1, int(least))},{max(1, int(most))}}}{_begin(rest)}"
            return f"(?:{some}|{one}" + (")" if least else f"|{_some(rest)})")
        case "SUBPATTERN":
            return f"(?:{whole}{_begin(rest)}|{_scoped(argument, lambda inner: _some(list(inner)))})"
        case "BRANCH":
            branches = "|".join(_some(list(branch)) for branch in argument[1])
            return f"(?:{whole}{_begin(rest)}|{branches})"
    return f"{whole}{_begin(rest)}"


def _begin(nodes: Nodes) -> str:
    """Beginnings of a sequence, the empty one and the whole included: of its head, or head and some of the rest."""
    out = ""
    for operator, argument in reversed(list(nodes)):
        begin = _begin_one(str(operator), argument)
        whole = _whole_one(str(operator), argument)
        out = f"(?:{whole}{out}|{begin})" if out else f"(?:{whole}|{begin})"
    return out


def _begin_one(operator: str, argument: Any) -> str:
    if operator in {"MAX_REPEAT", "MIN_REPEAT"}:
        _, most, inner = argument
        return f"(?:{_whole(inner)}){{0,{int(most) - 1}}}{_begin(inner)}" if int(most) else ""
    if operator == "SUBPATTERN":
        return _scoped(argument, _begin)
    if operator == "BRANCH":
        return "(?:" + "|".join(_begin(branch) for branch in argument[1]) + ")"
    return ""


def _whole(nodes: Nodes) -> str:
    return "".join(_whole_one(str(operator), argument) for operator, argument in nodes)


def _whole_one(operator: str, argument: Any) -> str:
    write = _WRITERS.get(operator)
    if write is None:
        raise NotBoundedError(f"it has a part that cannot be looked for in a stream ({operator.lower()})")
    return write(argument)


def _repeat(argument: Any, lazy: str = "") -> str:
    least, most, inner = argument
    return f"(?:{_whole(inner)}){{{int(least)},{int(most)}}}{lazy}"


def _boundary(argument: Any) -> str:
    if str(argument) not in _BOUNDARIES:
        raise NotBoundedError("it asks for the beginning or the end of the text; use \\b")
    return _BOUNDARIES[str(argument)]


def _scoped(argument: Any, write: Callable[[Nodes], str]) -> str:
    _, added, removed, inner = argument
    on = "i" if added & re.IGNORECASE else ""
    off = "-i" if removed & re.IGNORECASE else ""
    return f"(?{on}{off}:{write(inner)})"


def _set(items: Nodes) -> str:
    out = ""
    for operator, argument in items:
        match str(operator):
            case "NEGATE":
                out += "^"
            case "LITERAL":
                out += _char(argument)
            case "RANGE":
                out += f"{_char(argument[0])}-{_char(argument[1])}"
            case "CATEGORY":
                out += _CLASSES[str(argument)]
    return f"[{out}]"


def _char(code: int) -> str:
    return f"\\x{{{code:x}}}"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "LITERAL": _char,
    "NOT_LITERAL": lambda code: f"[^{_char(code)}]",
    "ANY": lambda _: ".",
    "IN": _set,
    "BRANCH": lambda argument: "(?:" + "|".join(_whole(branch) for branch in argument[1]) + ")",
    "SUBPATTERN": lambda argument: _scoped(argument, _whole),
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": lambda argument: _repeat(argument, "?"),
    "AT": _boundary,
}
