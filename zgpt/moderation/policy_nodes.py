"""YAML as nodes that know their line, within bounds: what reads the policy's file asks here for mappings and texts."""

from __future__ import annotations

import yaml

FILE_BYTES = 1_048_576
"""Largest policy file."""
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PolicyError(ValueError):
    """The policy cannot be used; the message begins with the line, as `line 12: …`."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(f"line {line}: {words}")


def parse_yaml(data: bytes) -> yaml.Node:
    """The root node; raises PolicyError. Anchors are refused: a few of them can mean billions of nodes."""
    if len(data) > FILE_BYTES:
        raise PolicyError(1, f"the file is larger than {FILE_BYTES} bytes")
    try:
        for event in yaml.parse(data, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise PolicyError(
                    event.start_mark.line + 1 if event.start_mark else 1, "anchors and aliases are not allowed here"
                )
        root = yaml.compose(data, Loader=_Loader)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise PolicyError(mark.line + 1 if mark else 1, f"this is no YAML: {fault.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as fault:
        raise PolicyError(1, f"this is no YAML: {str(fault).splitlines()[0]}") from None
    if root is None:
        raise PolicyError(1, "the file is empty")
    return root


def line_of(node: yaml.Node) -> int:
    """Counted from 1."""
    return int(node.start_mark.line) + 1


def mapping(
    node: yaml.Node, allowed: frozenset[str] | None = None, needed: tuple[str, ...] = ()
) -> dict[str, yaml.Node]:
    """The node's keys and values; `allowed` None: any key."""
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError(line_of(node), "here must be a mapping (`name: value` lines)")
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = text(key_node)
        if allowed is not None and key not in allowed:
            raise PolicyError(line_of(key_node), f"{key!r} is not known here; known are {', '.join(sorted(allowed))}")
        if key in found:
            raise PolicyError(line_of(key_node), f"{key!r} stands here twice")
        found[key] = value
    for key in needed:
        if key not in found:
            raise PolicyError(line_of(node), f"{key!r} is missing")
    return found


def sequence(node: yaml.Node | None, most: int) -> list[yaml.Node]:
    """The items of a list; none when there is no list."""
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise PolicyError(line_of(node), "here must be a list (lines that begin with `- `)")
    if len(node.value) > most:
        raise PolicyError(line_of(node.value[most]), f"these are more than {most}")
    return list(node.value)


def text(node: yaml.Node, most_chars: int = 2_000) -> str:
    """A scalar as it is written: `no` stays `no`."""
    if not isinstance(node, yaml.ScalarNode):
        raise PolicyError(line_of(node), "here must be a text")
    value = str(node.value)
    if not value.strip():
        raise PolicyError(line_of(node), "here must be a text; this one is empty")
    if len(value) > most_chars:
        raise PolicyError(line_of(node), f"this is longer than {most_chars} characters")
    return value


def choice(node: yaml.Node, allowed: tuple[str, ...]) -> str:
    """One of a few words."""
    value = text(node)
    if value not in allowed:
        raise PolicyError(line_of(node), f"{value!r} is none of {', '.join(allowed)}")
    return value
