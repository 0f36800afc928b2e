"""Who is measured, and how each is started as its own documentation says. Z-GPT's accounts are made in accounts.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.accounts import Account, make_accounts
from bench.process import ServerProcess, free_port

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "bench" / "peers"
PRODUCT_PYTHON = os.environ.get("BENCH_PRODUCT_PYTHON", sys.executable)
NODE = os.environ.get("BENCH_NODE", "node")
Cpu = frozenset[int]


class Contestant(Protocol):
    """A server that speaks our commands on /ws."""

    name: str

    def start(self, upstream: str, folder: Path, cpus: Cpu) -> ServerProcess: ...

    def account(self, index: int) -> Account: ...

    def version(self) -> str: ...


@dataclass(slots=True)
class Peer:
    """A peer: no accounts, so that anybody is somebody and any id is a session."""

    name: str
    argv: Callable[[int], list[str]]
    env: dict[str, str]
    packages: tuple[str, ...]

    def start(self, upstream: str, folder: Path, cpus: Cpu) -> ServerProcess:
        port = free_port()
        env = {**self.env, "LLM_BASE_URL": upstream, "PORT": str(port)}
        return ServerProcess(self.argv(port), env, port, folder / f"{self.name}.log", cpus, PEERS)

    def account(self, index: int) -> Account:
        return Account(token="", session_id=str(uuid.UUID(int=index)))

    def version(self) -> str:
        if self.name == "node-ws":
            return f"node {_run(NODE, '--version')}, ws {_ws_version()}"
        return ", ".join(f"{name} {_python_version(sys.executable, name)}" for name in self.packages)


@dataclass(slots=True)
class ZGpt:
    """Z-GPT as it is deployed: gunicorn, SQLite with checkpoints, accounts, metrics, logs; limits out of the way."""

    name: str = "z-gpt"
    accounts: list[Account] = field(default_factory=list)
    template: Path | None = None

    def prepare(self, upstream: str, folder: Path, count: int) -> None:
        """Migrates a database once and signs up everybody; each start then begins with a copy of it."""
        self.template = folder / "template"
        self.template.mkdir()
        env = self._env(upstream, self.template, free_port())
        migrate = [PRODUCT_PYTHON, "-m", "flask", "--app", "zgpt.app:create_app", "db", "upgrade"]
        subprocess.run(migrate, cwd=ROOT, env={**os.environ, **env}, check=True, capture_output=True)
        with self._start(env, folder, frozenset()) as server:
            self.accounts = make_accounts(server.port, count)

    def start(self, upstream: str, folder: Path, cpus: Cpu, settings: Mapping[str, str] | None = None) -> ServerProcess:
        """With the accounts that `prepare` made; `settings` change those of a bench."""
        assert self.template is not None, "prepare first"
        instance = folder / "instance"
        shutil.rmtree(instance, ignore_errors=True)
        shutil.copytree(self.template, instance)
        return self._start({**self._env(upstream, instance, free_port()), **(settings or {})}, folder, cpus)

    def _start(self, env: dict[str, str], folder: Path, cpus: Cpu) -> ServerProcess:
        argv = [PRODUCT_PYTHON, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
        return ServerProcess(argv, env, int(env["PORT"]), folder / "z-gpt.log", cpus, ROOT)

    def _env(self, upstream: str, instance: Path, port: int) -> dict[str, str]:
        often = "1000000 per minute"
        return {
            "INSTANCE_DIR": str(instance),
            "PORT": str(port),
            "LLM_BASE_URL": upstream,
            "LLM_MODEL": "bench",
            "LLM_CONCURRENCY": "1000",
            "LLM_CONTEXT_TOKENS": "1000000",
            "LLM_MAX_OUTPUT_TOKENS": "900000",
            "LLM_TITLES": "false",
            "ACCESS_TOKEN_S": "86400",
            "BCRYPT_COST": "4",
            "MAX_CONNECTIONS_PER_USER": "20000",
            "MAX_CONNECTIONS_PER_IP": "20000",
            "LIMIT_SIGNUP": often,
            "LIMIT_LOGIN": often,
            "LIMIT_MESSAGES": often,
        }

    def account(self, index: int) -> Account:
        return self.accounts[index % len(self.accounts)]

    def version(self) -> str:
        commit = _run("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD") or "no commit"
        names = ("gunicorn", "gevent", "flask")
        return f"{commit}; " + ", ".join(f"{name} {_python_version(PRODUCT_PYTHON, name)}" for name in names)


def peers() -> list[Peer]:
    """The three peers, each as its documentation deploys it on one core."""
    uvicorn = ["-m", "uvicorn", "fastapi_app:app", "--host", "127.0.0.1", "--loop", "uvloop", "--http", "httptools"]
    quiet = ["--no-access-log", "--log-level", "warning", "--ws-per-message-deflate", "false"]
    pings = ["--ws-ping-interval", "3600"]

    def fastapi(port: int) -> list[str]:
        return [sys.executable, *uvicorn, *quiet, *pings, "--port", str(port)]

    return [
        Peer("fastapi-openai", fastapi, {"PEER_CLIENT": "openai"}, ("fastapi", "uvicorn", "uvloop", "openai")),
        Peer("fastapi-httpx", fastapi, {"PEER_CLIENT": "httpx"}, ("fastapi", "uvicorn", "uvloop", "httpx")),
        Peer("node-ws", lambda _: [NODE, "server.js"], {"NODE_ENV": "production"}, ()),
    ]


def _run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def _python_version(python: str, package: str) -> str:
    return _run(python, "-c", f"from importlib.metadata import version; print(version({package!r}))")


def _ws_version() -> str:
    lock = json.loads((PEERS / "package-lock.json").read_text())
    return str(lock["packages"]["node_modules/ws"]["version"])
