"""The files that belong to the repository, and what is in them; nothing that was fetched or built."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {
    ".py",
    ".js",
    ".mjs",
    ".css",
    ".html",
    ".md",
    ".yml",
    ".yaml",
    ".toml",
    ".json",
    ".sh",
    ".in",
    ".txt",
    ".ini",
    ".svg",
    "",
}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, those not committed yet included."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def texts(*suffixes: str, under: str = "") -> list[tuple[str, str]]:
    """Path (from the top) and content of the text files with these endings below a directory."""
    wanted = set(suffixes) or TEXT
    found = [path for path in files() if path.suffix in wanted and path.is_relative_to(ROOT / under)]
    return [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in found]


def is_generated(name: str) -> bool:
    """Whether a tool wrote this file, so that nobody reads it from top to bottom."""
    last = name.rpartition("/")[2]
    return last == "package-lock.json" or (last.startswith("requirements") and last.endswith(".txt"))
