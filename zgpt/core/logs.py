"""The log: one JSON object per line on stdout, from structlog and from every library's `logging` alike."""

import json
import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from zgpt.core import clock
from zgpt.core.config import Settings
from zgpt.core.redaction import clean, visible

NOISY = {
    "werkzeug": logging.WARNING,
    "flask-limiter": logging.ERROR,
    "sqlalchemy.engine": logging.WARNING,
    "alembic": logging.WARNING,
}
OWN_HANDLERS = ("gunicorn.error", "gunicorn.access")
"""Loggers that were given handlers before the app was made; in this process they write as all others do."""


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, to be recognised when the log is set up again."""


def configure_logs(settings: Settings) -> None:
    """Send all logging of this process through one formatter. Safe to call again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        _stamp,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # No line names them, and finding them out takes a good part of the time that a line takes.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    _install(_formatter(shared, settings.log_format), settings.log_level.upper())


def _formatter(shared: list[Processor], form: str) -> logging.Formatter:
    last = _to_json if form == "json" else _to_console
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _clean, last],
    )


def _install(formatter: logging.Formatter, level: str) -> None:
    handler = _Handler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [*(old for old in root.handlers if not isinstance(old, _Handler)), handler]
    root.setLevel(level)
    for name, least in NOISY.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    for name in OWN_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["at"] = clock.iso(clock.now())
    return event


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: clean(name, value) for name, value in event.items()}


def _to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """ASCII, so that no character of a log line can move a terminal's cursor or end the line early."""
    order = {name: event[name] for name in ("at", "level", "event") if name in event}
    return json.dumps({**order, **event}, ensure_ascii=True, separators=(",", ":"))


def _to_console(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    fields: dict[str, Any] = dict(event)
    head = [str(fields.pop(name, "")) for name in ("at", "level", "event")]
    trace = fields.pop("exception", "")
    tail = " ".join(f"{name}={value!r}" for name, value in fields.items())
    lines = [visible(f"{head[0]} {head[1]:<7} {head[2]}  {tail}"), *(visible(line) for line in str(trace).splitlines())]
    return "\n    ".join(line.rstrip() for line in lines)
