"""Recall, false positives, cost and hold-back of moderation: the measuring. Printing them is `moderation`'s."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.evasions import EVASIONS
from zgpt.moderation.moderation import Moderation
from zgpt.moderation.policy import DEFAULT_PATH, load_policy
from zgpt.moderation.policy_file import PolicyFile
from zgpt.moderation.rules import Hit, Policy
from zgpt.moderation.stream import StreamFilter
from zgpt.runs.screen import Screen

CARRIER = "Well, {} and so on."
_PROMPT_TERMS = re.compile(r"applies_to: prompt, (?=language: [a-z]+, notice: self_harm, terms:)")
_TOKEN = re.compile(r"\s*[^\s]{1,6}")
PLAIN = "Write to me when you want to end the day, my life is better with what I make and kill time with. "
ROUNDS = 7
PROMPT_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    found: int
    of: int

    def __str__(self) -> str:
        return f"{self.found / self.of:.1%} ({self.found}/{self.of})" if self.of else "–"


def default_policy() -> Policy:
    return load_policy(DEFAULT_PATH.read_bytes())


def default_moderation() -> Moderation:
    return Moderation(PolicyFile(DEFAULT_PATH), None)


def strict_moderation(folder: Path) -> Moderation:
    """The shipped policy with its hundreds of terms for prompts applied to answers too: what a house could do."""
    path = folder / "strict.yaml"
    path.write_text(_PROMPT_TERMS.sub("", DEFAULT_PATH.read_text()))
    return Moderation(PolicyFile(path), None)


def policy_of(words: Iterable[str]) -> Policy:
    """A policy that flags these words."""
    lines = ["version: 1", "rules:", "  - id: words", "    category: words", "    action: flag", "    terms:"]
    return load_policy(
        "\n".join([*lines, *(f"      - {json.dumps(word, ensure_ascii=False)}" for word in words)]).encode()
    )


def hits(policy: Policy, text: str) -> list[Hit]:
    """What is found in a prompt."""
    filter_ = StreamFilter(policy.prompt)
    filter_.finish(text)
    return filter_.hits


def finds_any(policy: Policy) -> Callable[[str], bool]:
    """Whether anything is found in a prompt."""
    return lambda text: bool(hits(policy, text))


def share(texts: Iterable[str], found: Callable[[str], bool]) -> Share:
    results = [found(text) for text in texts]
    return Share(sum(results), len(results))


def recall_by_evasion(words: list[str]) -> dict[str, Share]:
    """Of a list's own words, each in a sentence and disguised."""
    policy = policy_of(words)
    return {
        name: share((CARRIER.format(evade(word)) for word in words), finds_any(policy))
        for name, evade in EVASIONS.items()
    }


def tokens(text: str) -> list[str]:
    """Pieces about as long as a model's."""
    return _TOKEN.findall(text)


def cost_us(moderation: Moderation, pieces: list[str]) -> float:
    """What a token of an answer costs more with moderation, in microseconds of processor time: the best round.

    All of it: from the token's bytes to the bytes that may be shown.
    """
    encoded = [piece.encode() for piece in pieces]
    times = []
    for _ in range(ROUNDS):
        screen = Screen(moderation, {}, lambda _: None)
        began = time.process_time_ns()
        for piece in encoded:
            screen.feed("text", piece)
        times.append((time.process_time_ns() - began) / len(pieces) / 1_000)
    return min(times)


def held_chars(policy: Policy, pieces: list[str]) -> list[int]:
    """How many characters are held back after each token."""
    filter_, came, shown, held = StreamFilter(policy.answer), 0, 0, []
    for piece in pieces:
        came += len(piece)
        shown += len(filter_.feed(piece))
        held.append(came - shown)
    return held


def prompt_ms(policy: Policy, text: str) -> float:
    """Processor time for one prompt of `PROMPT_CHARS` characters, in milliseconds."""
    long = (text * (PROMPT_CHARS // len(text) + 1))[:PROMPT_CHARS]
    times = []
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        StreamFilter(policy.prompt).finish(long)
        times.append((time.process_time_ns() - began) / 1e6)
    return min(times)


def percentile(values: list[int], share_of_all: float) -> float:
    return float(statistics.quantiles(values, n=1_000)[round(share_of_all * 1_000) - 1])


def prose(root: Path) -> dict[str, str]:
    """Ordinary text: the documents of this repository, and our clean sentences in other scripts."""
    pages = sorted((root / "docs").glob("*.md"))
    tables = {"benchmarks.md", "moderation-figures.md"}
    text = "\n".join(page.read_text() for page in pages if page.name not in tables)
    return {"English prose with Markdown": text}


def adversarial() -> dict[str, str]:
    """What is meant to be dear: beginnings of matches all along, and text in which no letter is written plainly."""
    begun = "a 12 year old, her many little things that grow in a garden by the sea, and the little girl eats them. "
    terms = "zebra key sk-abcdefghij gh - ghp_abcdefghijkl AKIA0123 -----BEGIN RSA "
    tricks = (
        "homoglyphs",
        "l33t",
        "full width",
        "zero width",
        "struck through",
        "s p a c e d",
        "d.o.t.t.e.d",
        "repeeeated",
    )
    found = {f"all of it {name}": EVASIONS[name](PLAIN) * 60 for name in tricks}
    return {"beginnings of matches": begun * 200, "beginnings of keys": terms * 200, **found}
