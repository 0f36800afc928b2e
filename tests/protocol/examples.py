"""Reads the example files: `commands/`, `results/` (what the `ok` of a command carries) and `events/`, one per type."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def examples(folder: str) -> dict[str, Any]:
    """The examples of a folder by type."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / folder).glob("*.json"))}
