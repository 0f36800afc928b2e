"""How an answer is asked for and judged: exact to the byte, or broken in words. Not here: what befalls it meanwhile."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from bench.script import Script
from tests.support.viewer import Viewer
from tests.support.ws_client import Closed, CommandFailed

END_WITHIN_S = 60.0
"""How long an answer may take beyond what the model writes on it."""
TOLD_CHARS = 300


def question(script: Script) -> str:
    """What is asked to get the answer of a script."""
    return f"Go on. {script.note()}"


def ask(viewer: Viewer, script: Script) -> str:
    """Ask it; the run."""
    run_id: str = viewer.ask(question(script), str(uuid.uuid4()))["run_id"]
    return run_id


def see_exactly(viewer: Viewer, run_id: str, script: Script) -> None:
    """Follow to the end of the run, and judge what is shown then."""
    viewer.see_the_end(run_id, END_WITHIN_S + script.tokens / script.rate)
    assert_exact(viewer, run_id, script)


def assert_exact(viewer: Viewer, run_id: str, script: Script) -> None:
    assert viewer.transcript.text(run_id) == script.text(), "the text is not what the model said"


@contextmanager
def judged(broken: list[str], script: Script) -> Iterator[None]:
    """What goes wrong with a viewer in this block is told in `broken`, with the seed that repeats it."""
    try:
        yield
    except (AssertionError, Closed, CommandFailed, TimeoutError, OSError) as fault:
        broken.append(f"seed {script.seed}: {type(fault).__name__} {fault}"[:TOLD_CHARS])
