"""How gunicorn runs Z-GPT: one line of why per setting. The app's own settings are in zgpt/core/config.py.

The app must not be imported here: the master would load it before gevent has patched the standard library. A value
that makes no sense is replaced here and refused, in words, by the app.
"""

import gc
import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_host = os.environ.get("HOST") or "127.0.0.1"
_instance = Path(os.environ.get("INSTANCE_DIR") or "instance").expanduser().absolute()

wsgi_app = "wsgi:app"
# One place to say where we listen: the same HOST and PORT that `zgpt serve` prints.
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT') or 8080}"
# gevent, with sockets that leave the request and an exit that tells them when to come back.
worker_class = "zgpt.realtime.worker.Worker"


def _workers() -> int:
    """As many as are asked for; else one per core where Redis and PostgreSQL let them work together, else one."""
    if given := os.environ.get("WEB_CONCURRENCY"):
        return int(given) if given.isdigit() else 1
    if not os.environ.get("REDIS_URL") or not (os.environ.get("DATABASE_URL") or "").startswith("postgres"):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # Six hold at most 90 connections to PostgreSQL, which lets 97 people in where nobody has told it otherwise.
    workers = min(cores, 6)
    # The app divides LLM_CONCURRENCY by it.
    os.environ["WEB_CONCURRENCY"] = str(workers)
    return workers


# One process holds thousands of sockets; more of them need Redis (the app refuses to start without).
workers = _workers()
# HTTP requests at once per worker; above it 503, except for health checks. WebSockets leave the pool with the 101
# (MAX_CONNECTIONS bounds them), a client whose head is not whole yet is not in it, and a quarter may wait for bodies.
worker_connections = 1_000
# After a restart all clients return within seconds; what does not fit in the queue would wait for a TCP retry.
backlog = 4_096
# The app is loaded in the worker, after the patch: a psycopg imported before it blocks the whole loop.
preload_app = False
# A worker whose loop stands still for this long is killed and replaced.
timeout = 30
# A full stop: runs are handed over and sockets closed 2 s earlier; then the master kills. At a reload it kills nobody.
graceful_timeout = 20
# Longer than a proxy's think time between two requests, short enough not to fill the pool with silent connections.
keepalive = 5
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 # nosec B108 # a file without a name
# No URL of ours is long: tokens travel in the Authorization header and in `hello`.
limit_request_line = 4_094
# Browsers send about 20 fields; a proxy adds a few.
limit_request_fields = 64
# An access token and a cookie fit many times.
limit_request_field_size = 8_190
# The one that gives back what a client sent behind its handshake; pinned by tests/contracts/test_gunicorn_takeover.py.
http_parser = "python"
# X-Forwarded-* is judged in one place only: by the app, which counts TRUSTED_PROXIES.
forwarded_allow_ips = ""
# Two instances of one user would fight over one control socket.
control_socket_disable = True
# The app logs requests itself, as JSON and without query strings.
accesslog = None
loglevel = (
    _level if (_level := (os.environ.get("LOG_LEVEL") or "").lower()) in {"debug", "warning", "error"} else "info"
)
proc_name = "zgpt"


class _JsonLines(logging.Formatter):
    """gunicorn's own lines in the form of the app's, which is not loaded in the master."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": moment, "level": record.levelname.lower(), "event": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({**line, "pid": record.process})


# One log, one form: a line that is not JSON would be lost to whoever reads the others.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": _JsonLines}, "console": {"format": "%(levelname)-8s %(message)s"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "console" if os.environ.get("LOG_FORMAT") == "console" else "json",
        }
    },
    "root": {"level": "WARNING", "handlers": []},
    "loggers": {
        "gunicorn.error": {"level": loglevel.upper(), "handlers": ["stdout"], "propagate": False},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}

if workers > 1:
    # Counters of several workers meet in files; prometheus_client looks for this name when it is imported.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_instance / "metrics"))


def on_starting(server: Any) -> None:
    """Begin with empty counters: files of dead processes would be added to ours. After SIGUSR2 they are not dead."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        # Only what prometheus_client writes: an operator names the folder, and may have other things in it.
        for stale in Path(folder).glob("*.db") if not server.master_pid else ():
            stale.unlink(missing_ok=True)


def on_reload(server: Any) -> None:
    """Take the worker from the disk too: what is imported here would be mixed with the app of a new version."""
    before = _forget_ours()
    try:
        server.worker_class = server.cfg.worker_class
    except Exception:
        # A version that cannot be imported must not end the server that runs.
        server.log.exception("the worker of this version cannot be loaded")
        _forget_ours()
        sys.modules.update(before)


def _forget_ours() -> dict[str, Any]:
    names = [name for name in sys.modules if name.partition(".")[0] == "zgpt"]
    return {name: sys.modules.pop(name) for name in names}


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 - the signature is gunicorn's
    """Collect nothing while the app is loaded, a fifth of what a start costs: nearly all of it stays."""
    gc.disable()


def post_worker_init(worker: Any) -> None:  # noqa: ARG001 - the signature is gunicorn's
    """What is loaded now lives as long as the process: no collection need look at it again.

    Nor does one look at it here: it would take 0.1 s of a start to find half a MiB of what imports leave behind.
    """
    gc.freeze()
    gc.enable()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - the signature is gunicorn's
    """Let nobody wait for a worker that has gone, and take its gauges out of the sum."""
    worker.arrived()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # its authors give it no types
