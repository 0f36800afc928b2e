"""`python -m tests.side_by_side`: a test run that several pytests share. How they share is in plugins/claims.py.

TEST_PROCESSES says how many (1): with one per core two cores need 16 minutes, and times are less sure. Options are
handed on to each pytest. Lines of progress are printed as they come, what else a process has to say when all ended.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.support.processes import die_with_parent

MOST_PROCESSES = 4
"""Each has a PostgreSQL, a Redis, a browser and servers of its own: about 1.5 GB."""
PYTEST = (
    sys.executable,
    "-m",
    "pytest",
    "--no-header",
    "-o",
    "console_output_style=classic",
    "-p",
    "tests.plugins.claims",
)
PROGRESS = re.compile(r"tests/\S+\.py ")
COUNTED = re.compile(r"(\d+) (passed|failed|error|xfailed|xpassed)")


def main(options: Sequence[str]) -> int:
    """The exit status: 0 when every process was content."""
    begun = time.monotonic()
    number = min(int(os.environ.get("TEST_PROCESSES", "1")), MOST_PROCESSES)
    with tempfile.TemporaryDirectory(prefix="zgpt-claims-") as claims, ThreadPoolExecutor(number) as listeners:
        # Not in the listeners: the kernel ends a child with the thread that has started it.
        started = [_start([*PYTEST, f"--claims={claims}", *options], index) for index in range(number)]
        said = list(listeners.map(_listen, started))
    counts: Counter[str] = Counter()
    for text in said:
        print(text)
        counts.update({what: int(many) for many, what in COUNTED.findall(text.rpartition("\n")[2])})
    total = ", ".join(f"{many} {what}" for what, many in sorted(counts.items()))
    print(f"{total or 'no tests'} in {time.monotonic() - begun:.0f} s, side by side in {number}")
    return int(any(process.returncode for process in started))


def _start(argv: Sequence[str], index: int) -> subprocess.Popen[str]:
    env = dict(os.environ)
    if index:
        # Two of them may not empty one Redis: the others start their own.
        env.pop("TEST_REDIS_URL", None)
    ended = die_with_parent(signal.SIGTERM)
    return subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=ended
    )


def _listen(process: subprocess.Popen[str]) -> str:
    """Wait for the end; returns what was said besides progress."""
    said = []
    with process:
        for line in process.stdout or ():
            if PROGRESS.match(line):
                print(line, end="", flush=True)
            else:
                said.append(line)
    return "".join(said).strip()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
