"""The scripted adviser (``adviser``) as a child of the tests; what it can say is written there."""

import json
import sys
from pathlib import Path

from tests.support.processes import printed_port, spawn, stop
from tests.support.web import fetched


class AdviserServer:
    """One server that gives second opinions."""

    def __init__(self, folder: Path) -> None:
        log = folder / "adviser.log"
        self._process = spawn([sys.executable, "-m", "tests.support.adviser"], log, cwd=Path(__file__).parents[2])
        self._base = f"http://127.0.0.1:{printed_port(self._process, log, 'the adviser')}"

    @property
    def url(self) -> str:
        """What MODERATION_URL is set to."""
        return f"{self._base}/v1/moderations"

    @property
    def chat_url(self) -> str:
        """The same of a guard model."""
        return f"{self._base}/v1/chat/completions"

    def asked(self) -> list[str]:
        """The texts it was asked about."""
        with fetched(f"{self._base}/asked", 5) as answer:
            texts: list[str] = json.load(answer)
        return texts

    def close(self) -> None:
        """End it."""
        stop(self._process)
