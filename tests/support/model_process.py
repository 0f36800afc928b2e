"""The scripted model server (``model_server``) as a child of the tests; what it can say is written there."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.processes import ServiceError, printed_port, spawn, stop
from tests.support.web import fetched


def counted(tokens: int) -> str:
    """What it says to `count:tokens`."""
    return "".join(f"{number} " for number in range(tokens))


class ModelServer:
    """One scripted server on a port of its own."""

    def __init__(self, folder: Path, key: str = "") -> None:
        self._log = folder / "model-server.log"
        self._key = key
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """What LLM_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def pid(self) -> int:
        """The server's process."""
        if self._process is None:
            raise ServiceError("the model server was not started")
        return self._process.pid

    def start(self) -> None:
        """Return when it serves; started again, it takes the same port."""
        self._log.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "tests.support.model_server", "--port", str(self.port), "--key", self._key]
        self._process = spawn(argv, self._log, cwd=Path(__file__).parents[2])
        self.port = printed_port(self._process, self._log, "the model server")

    def stats(self) -> dict[str, int]:
        """How many answers are open, finished and cancelled, and how many were asked for."""
        with fetched(f"http://127.0.0.1:{self.port}/stats", 5) as answer:
            found: dict[str, int] = json.load(answer)
        return {"open": 0, "finished": 0, "cancelled": 0, "requests": 0, **found}

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            stop(self._process)
