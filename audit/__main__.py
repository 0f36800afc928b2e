"""Runs the checks, two at a time, and says what each found: `python -m audit [--online] [--only NAME]`."""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from audit.checks import OFFLINE, ONLINE, Check
from audit.tools import FoundError


def main(argv: list[str]) -> int:
    """Returns the exit status: 1 when a check found something."""
    checks = _chosen(argv)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(checks))) as pool:
        outcomes = list(pool.map(_outcome, checks.items()))
    return 0 if all(outcomes) else 1


def _chosen(argv: list[str]) -> dict[str, Check]:
    every = {**OFFLINE, **ONLINE}
    parser = argparse.ArgumentParser(prog="python -m audit")
    parser.add_argument("--online", action="store_true", help="ask the package indexes for known holes, too")
    parser.add_argument("--only", choices=sorted(every), action="append", help="this check alone")
    told = parser.parse_args(argv)
    if told.only:
        return {name: every[name] for name in told.only}
    return every if told.online else OFFLINE


def _outcome(named: tuple[str, Check]) -> bool:
    name, check = named
    begun_s = time.monotonic()
    try:
        word, whole = check(), True
    except FoundError as found:
        word, whole = f"\n{found}", False
    print(f"{'✓' if whole else '✗'} {name} ({time.monotonic() - begun_s:.1f} s): {word}", flush=True)
    return whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
