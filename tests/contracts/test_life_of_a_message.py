"""docs/life-of-a-message.md names files: all of them exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "life-of-a-message.md"


def test_every_file_on_the_way_of_a_message_exists() -> None:
    named = re.findall(r"`((?:zgpt|static)/[\w./-]+\.(?:py|js))`", PAGE.read_text())
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).is_file()] == []
