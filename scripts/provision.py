"""What `make run`, `make test` and `make audit` need before they start: packages, browser libraries, a browser.

Each step is skipped when nothing that it depends on has changed. The steps are in packages.py.
"""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import packages
from steps import StepError, say

PURPOSES = ("run", "check", "test", "audit")


def provision(argv: Sequence[str]) -> int:
    """Set up for ``run``, ``check``, ``test`` or ``audit``; returns the exit status."""
    if len(argv) != 1 or argv[0] not in PURPOSES:
        say(f"usage: setup.py {'|'.join(PURPOSES)}")
        return 2
    purpose = argv[0]
    begun = time.monotonic()
    try:
        packages.environment().run()
        _side_by_side(testing=purpose != "run")
        if purpose == "test":
            packages.browser()
        if purpose == "audit":
            packages.audit_tools().run()
            packages.audit_linter().run()
    except StepError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        return 130
    if time.monotonic() - begun > 1:
        say(f"✓ ready ({time.monotonic() - begun:.0f} s)")
    return 0


def _side_by_side(*, testing: bool) -> None:
    """Python packages and browser libraries come from different places: fetch both at once."""
    with ThreadPoolExecutor(2) as pool:
        python = pool.submit(_python_side, testing)
        browser = pool.submit(_browser_side, testing)
        python.result()
        browser.result()


def _python_side(testing: bool) -> None:
    packages.python_packages(testing).run()
    packages.model().run()


def _browser_side(testing: bool) -> None:
    packages.node().run()
    packages.browser_libraries(testing).run()
    packages.vendor().run()


if __name__ == "__main__":
    sys.exit(provision(sys.argv[1:]))
