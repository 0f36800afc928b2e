"""The log as it is printed: run in a process of its own, for the log belongs to a whole process."""

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import logging, structlog
from zgpt.core.config import load_settings
from zgpt.core.logs import configure_logs
configure_logs(load_settings({"LOG_LEVEL": "info", "LOG_FORMAT": "%s"}))
configure_logs(load_settings({"LOG_LEVEL": "info", "LOG_FORMAT": "%s"}))
log = structlog.get_logger("zgpt.test")
%s
"""


def printed(code: str, form: str = "json") -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM % (form, form, code)], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stderr == ""
    return run.stdout.splitlines()


def events(code: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed(code)]


def test_an_event_is_one_json_line_with_time_level_and_name() -> None:
    (event,) = events('log.info("run_ended", status="completed", n=3)')
    assert event | {"at": ""} == {
        "at": "", "level": "info", "event": "run_ended", "status": "completed", "n": 3, "logger": "zgpt.test",
    }  # fmt: skip
    assert event["at"].endswith("Z")


def test_lines_of_libraries_have_the_same_form() -> None:
    (event,) = events('logging.getLogger("gunicorn.error").warning("worker %s left", 7)')
    assert (event["event"], event["level"], event["logger"]) == ("worker 7 left", "warning", "gunicorn.error")


def test_gunicorns_handlers_of_its_own_are_replaced() -> None:
    code = (
        'gunicorn = logging.getLogger("gunicorn.error")\n'
        "gunicorn.propagate = False\ngunicorn.addHandler(logging.StreamHandler())\n"
        "configure_logs(load_settings({}))\n"
        'gunicorn.warning("worker left")'
    )
    assert [event["event"] for event in events(code)] == ["worker left"]


def test_an_exception_stays_on_the_line_and_shows_no_secret() -> None:
    code = 'try:\n    raise ValueError("postgresql://u:hunter2@db")\nexcept ValueError:\n    log.exception("broken")'
    (event,) = events(code)
    assert "ValueError" in event["exception"]
    assert "hunter2" not in json.dumps(event)


@pytest.mark.parametrize("form", ["json", "console"])
def test_nobody_can_forge_a_line_or_move_the_cursor(form: str) -> None:
    lines = printed(r'log.info("sign_in", name="a\nb\r\u2028\x1b[2Jc\x9b\"}")', form)
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_what_is_below_the_level_is_not_printed() -> None:
    assert events('log.debug("small")\nlogging.getLogger("x").debug("small")') == []


def test_the_console_form_is_for_people() -> None:
    (line,) = printed('log.warning("not_ready", part="redis")', "console")
    assert "warning" in line
    assert line.endswith("not_ready  part='redis' logger='zgpt.test'")
