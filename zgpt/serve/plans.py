"""The two children of `zgpt serve`: gunicorn and the built-in model. Starting them is `child`'s."""

from __future__ import annotations

import errno
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from zgpt.core.config import Settings
from zgpt.llm.local import MODEL_ALIAS, SLOTS, Address, write_address

from .child import Plan

SERVER_PATIENCE_S = 60.0
MODEL_PATIENCE_S = 30.0
MAX_THREADS = 4
"""A model this small gains nothing from more. And never more than half of the processors: llama.cpp's threads wait for
each other at every layer, so that one without a processor stops all. Measured on two busy ones: 1 thread 71 tokens/s,
2 threads 5."""

MODEL_LOG = "model.log"
OPENMP_DIR = Path(sys.prefix, "lib", "openmp")
"""Where the set-up lends llama.cpp the OpenMP library that a bare Linux lacks."""


def server_plan(settings: Settings, port: int, lock_fd: int | None) -> Plan:
    """Gunicorn with the app. When we die it drains, as at every end."""
    env = {**os.environ, "PORT": str(port), "INSTANCE_DIR": str(settings.instance_dir)}
    return Plan(
        name="server",
        argv=[sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        env=env,
        health_url=lambda: (reachable_host(settings.host), port, "/healthz"),
        stdin=lambda: b"",
        output=lambda: None,
        death_signal=signal.SIGTERM,
        patience_s=SERVER_PATIENCE_S,
        pass_fds=(lock_fd,) if lock_fd is not None else (),
    )


def model_plan(settings: Settings, model_file: Path) -> Plan:
    """The built-in model. Its port and key stay the same when it is started again, unless another took the port."""
    address = _Address(settings.instance_dir)
    return Plan(
        name="model",
        argv=[sys.executable, "-m", "zgpt.llm.local_server"],
        env=_with_openmp(_without_secrets(os.environ)),
        health_url=lambda: ("127.0.0.1", address.port, "/health"),
        stdin=lambda: address.config(model_file),
        output=lambda: _open_log(settings.instance_dir / MODEL_LOG),
        death_signal=signal.SIGKILL,
        patience_s=MODEL_PATIENCE_S,
    )


class _Address:
    """Where the model listens."""

    def __init__(self, instance_dir: Path) -> None:
        self._instance_dir = instance_dir
        self._key = secrets.token_urlsafe(24)
        self.port = 0

    def config(self, model_file: Path) -> bytes:
        """What the model's process reads when it starts; the server's processes are told the same address."""
        if not self.port or not is_free("127.0.0.1", self.port):
            self.port = free_port()
            write_address(self._instance_dir, Address(f"http://127.0.0.1:{self.port}/v1", self._key))
        threads = max(1, min((os.cpu_count() or 1) // 2, MAX_THREADS))
        fields = {"model": str(model_file), "alias": MODEL_ALIAS, "slots": SLOTS, "threads": threads}
        return json.dumps({**fields, "port": self.port, "key": self._key}).encode() + b"\n"


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen there; raises OSError for an address that is not ours, or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def reachable_host(host: str) -> str:
    """Where a program on this machine finds a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 # nosec B104 # one instead of all


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The model needs no setting of ours: no key, no database's password."""
    return {name: value for name, value in environ.items() if name.lower() not in Settings.model_fields}


def _with_openmp(environ: Mapping[str, str]) -> dict[str, str]:
    if not OPENMP_DIR.is_dir():
        return dict(environ)
    folders = [str(OPENMP_DIR), environ.get("LD_LIBRARY_PATH", "")]
    return {**environ, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, folders))}


def _open_log(path: Path) -> IO[bytes]:
    """Begun anew with each start, so that it never fills a disk."""
    return path.open("wb")
