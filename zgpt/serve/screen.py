"""What `zgpt serve` tells the person who started it: a line per step. Logs are the children's own."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_GREEN, _RED, _DIM, _END = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"


def step(text: str) -> None:
    """Something is being done."""
    _line(_DIM, f"· {text}", sys.stdout)


def ready(text: str) -> None:
    """What was waited for is there."""
    _line(_GREEN, text, sys.stdout)


def fault(text: str) -> None:
    """Something is wrong, and what to do."""
    _line(_RED, text, sys.stderr)


def _line(colour: str, text: str, out: TextIO) -> None:
    coloured = out.isatty() and "NO_COLOR" not in os.environ
    out.write(f"{colour}{text}{_END}\n" if coloured else f"{text}\n")
    out.flush()
