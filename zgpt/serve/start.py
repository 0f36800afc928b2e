"""`zgpt serve` from its first line to the supervisor: settings, instance directory, database, children."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from zgpt import __version__
from zgpt.core import clock
from zgpt.core.config import ConfigError, Settings, load_settings
from zgpt.llm.endpoint import find_proxy, parse_base_url
from zgpt.llm.local import DISPLAY_NAME, ModelMissingError, find_model_file

from . import database, screen
from .child import Child
from .plans import free_port, is_free, model_plan, reachable_host, server_plan
from .supervisor import Supervisor

LOCK_FILE = "serve.lock"
FREED_WITHIN_S = 25.0
"""How long an earlier server that was told to go may take: gunicorn's graceful_timeout and a little."""

FAILED, WRONG_SETTINGS = 1, 2


class StartError(Exception):
    """Why the server cannot be started, and what to do."""


def serve() -> int:
    """Run Z-GPT until it is told to stop; the exit status."""
    try:
        settings = load_settings()
        model_file = _check_model(settings)
    except ConfigError as error:
        screen.fault(str(error))
        return WRONG_SETTINGS
    try:
        return _serve(settings, model_file)
    except (StartError, database.MigrationFailedError) as error:
        screen.fault(str(error))
        return FAILED


def _check_model(settings: Settings) -> Path | None:
    """The file of the built-in model, or None when another model is used; raises ConfigError."""
    try:
        if settings.llm_base_url is None:
            return find_model_file()
        find_proxy(parse_base_url(settings.llm_base_url), os.environ)
    except (ModelMissingError, ValueError) as error:
        raise ConfigError([str(error)]) from None
    return None


def _serve(settings: Settings, model_file: Path | None) -> int:
    screen.step(f"Z-GPT {__version__}, data in {settings.instance_dir}")
    lock_fd = _make_instance(settings)
    port = settings.port or free_port()
    _check_port(settings.host, port)
    began_s = clock.monotonic()
    helpers = [Child(model_plan(settings, model_file))] if model_file else []
    for helper in helpers:
        screen.step(f"The model {settings.llm_name or DISPLAY_NAME} is starting.")
        helper.start()
    _migrate(settings)
    screen.step("The server is starting.")
    server = Child(server_plan(settings, port, lock_fd))

    def tell(child: Child) -> None:
        took_s = clock.monotonic() - began_s
        if child is server:
            screen.ready(f"Z-GPT is ready: {_address(settings, port)}   (after {took_s:.1f} s; Ctrl+C stops it)")
        else:
            screen.step(f"The {child.plan.name} is ready (after {took_s:.1f} s).")

    return Supervisor(server, helpers, tell).run()


def _make_instance(settings: Settings) -> int | None:
    """Make the directory, and claim it where two servers on one would lose data; the claim's descriptor.

    Gunicorn holds the claim too, so that a server whose parent was killed has ended before the next one begins.
    """
    folder = settings.instance_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock_fd = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"INSTANCE_DIR {folder} cannot be written: {error.strerror}.") from None
    if settings.redis_url is not None and not settings.is_sqlite:
        os.close(lock_fd)
        return None
    _claim(lock_fd, folder)
    return lock_fd


def _claim(lock_fd: int, folder: Path) -> None:
    """Take the lock; waits for a server whose parent has died already, and is itself about to end."""
    until_s, told = clock.monotonic() + FREED_WITHIN_S, False
    while not _locked(lock_fd):
        holder = int(os.pread(lock_fd, 32, 0) or b"0")
        if _runs(holder) or clock.monotonic() > until_s:
            text = (
                f"Another Z-GPT (process {holder}) runs on {folder}. Stop it, or set INSTANCE_DIR to another directory."
            )
            raise StartError(text)
        if not told:
            screen.step("The server that ran here before is still ending; waiting for it.")
            told = True
        # Not by a blocking flock: the other process may be another server, which would never end.
        time.sleep(0.1)
    os.ftruncate(lock_fd, 0)
    os.pwrite(lock_fd, str(os.getpid()).encode(), 0)


def _locked(lock_fd: int) -> bool:
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _check_port(host: str, port: int) -> None:
    try:
        free = is_free(host, port)
    except OSError as error:
        raise StartError(f"Nobody can listen on HOST={host} PORT={port}: {error.strerror}.") from None
    if not free:
        raise StartError(f"Port {port} on {host} is in use by another program. Stop that one, or set PORT.")


def _migrate(settings: Settings) -> None:
    if database.is_current(settings):
        return
    screen.step("The database is being brought up to date.")
    database.migrate()


def _address(settings: Settings, port: int) -> str:
    host = reachable_host(settings.host)
    return settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
