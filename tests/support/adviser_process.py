"""The scripted adviser (``adviser``) as a child of the tests; what it can say is written there."""

import json
import sys
from pathlib import Path

from tests.support.processes import ServiceError, polls, spawn, stop, tail
from tests.support.web import fetched

START_TIMEOUT_S = 15.0


class AdviserServer:
    """One server that gives second opinions."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "adviser.log"
        self._process = spawn([sys.executable, "-m", "tests.support.adviser"], self._log, cwd=Path(__file__).parents[2])
        printed = ""
        for _ in polls(START_TIMEOUT_S):
            printed = self._log.read_text()
            if printed.endswith("\n") or self._process.poll() is not None:
                break
        if not printed.strip().isdigit():
            raise ServiceError(f"the adviser did not start:\n{tail(self._log)}")
        self._base = f"http://127.0.0.1:{printed.strip()}"

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
