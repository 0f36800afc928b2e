"""A real server before a scripted model server, and people with accounts on it. Not here: what is done to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from tests.support.server import ROOT, Server, server_env

ENV = {
    "LLM_MODEL": "bench",
    "LLM_CONCURRENCY": "1000",
    "LLM_CONTEXT_TOKENS": "1000000",
    "LLM_MAX_OUTPUT_TOKENS": "900000",
    "ACCESS_TOKEN_S": "86400",
    "MAX_CONNECTIONS_PER_USER": "20000",
    "MAX_CONNECTIONS_PER_IP": "20000",
}
Json = dict[str, Any]
PASSWORD = "a long enough chaos password"


class House:
    """`with House(folder) as house:` a migrated, running server; everything ends with the block."""

    def __init__(self, folder: Path, **env: str) -> None:
        self._folder, self._env = folder, env
        self._upstream = subprocess.Popen(
            [sys.executable, "-m", "bench.upstream"], cwd=ROOT, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}
        )
        assert self._upstream.stdout is not None
        self.upstream_port: int = json.loads(self._upstream.stdout.readline())["port"]
        settings = {**ENV, "LLM_BASE_URL": f"http://127.0.0.1:{self.upstream_port}/v1", **env}
        self.server = Server(folder, server_env(settings))

    def __enter__(self) -> Self:
        try:
            self._migrate()
            self.server.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and its upstream."""
        self.server.close()
        self._upstream.terminate()
        self._upstream.wait(5)
        if self._upstream.stdout is not None:
            self._upstream.stdout.close()

    def _migrate(self) -> None:
        if (self._folder / "zgpt.db").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "flask", "--app", "zgpt.app:create_app", "db", "upgrade"]
        env = {**self.server.env, "INSTANCE_DIR": str(self._folder)}
        done = subprocess.run(argv, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"the migration failed:\n{done.stderr[-2000:]}"

    def sign_up(self) -> str:
        """A new person's access token."""
        person = {"email": f"{uuid.uuid4().hex[:12]}@example.org", "password": PASSWORD, "name": "Ada"}
        token: str = self.post("/api/v1/auth/signup", person)["access_token"]
        return token

    def post(self, path: str, body: Json, token: str = "") -> Json:
        """POST as JSON; the answer's JSON. HTTPError where the server refuses."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return self._request(Request(self.server.url + path, json.dumps(body).encode(), headers))

    def get(self, path: str, token: str) -> Json:
        """GET as this person; the answer's JSON."""
        return self._request(Request(self.server.url + path, headers={"Authorization": f"Bearer {token}"}))

    @staticmethod
    def _request(request: Request) -> Json:
        with build_opener(ProxyHandler({})).open(request, timeout=20) as answer:
            value: Json = json.load(answer)
            return value

    def complaints(self) -> list[str]:
        """What the server logged as errors, shortened: a broken promise usually stands there in words."""
        lines = self.server.log.read_text(errors="replace").splitlines()
        return [line[-600:] for line in lines if '"level":"error"' in line or "Error" in line]

    def unique_kib(self) -> float:
        """Unique memory of the server and its workers, in KiB."""
        root = psutil.Process(self.server.pid)
        tree = [root, *root.children(recursive=True)]
        return sum(process.memory_full_info().uss for process in tree) / 1024
