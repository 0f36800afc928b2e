"""How the audit runs another program, and which files of the repository it looks at."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".venv-audit" / "bin"
NODE = ROOT / ".venv" / "bin" / "node"
PYTHON = ROOT / ".venv" / "bin" / "python"
TIMEOUT_S = 600.0
# Nothing that is only looked up may call home.
QUIET = {"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class FoundError(Exception):
    """Something that has to be mended, or argued; the message is what the tool said."""


def run(*argv: object) -> str:
    """What a program printed; FoundError with all of it when its exit status is not 0."""
    done = _run(argv, subprocess.STDOUT)
    if done.returncode != 0:
        raise FoundError(done.stdout.strip() or f"{argv[0]} ended with {done.returncode} and said nothing")
    return done.stdout


def answer(*argv: object, stdin: str | None = None, folder: Path = ROOT) -> str:
    """Only what a program wrote to its standard output, for those that speak JSON there."""
    done = _run(argv, subprocess.PIPE, stdin, folder)
    if done.returncode != 0:
        raise FoundError(done.stderr.strip() or f"{argv[0]} ended with {done.returncode}")
    return done.stdout


def files(*patterns: str) -> list[str]:
    """The repository's files, those not committed yet included, as git would name them."""
    listed = answer("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns)
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _run(
    argv: Sequence[object], errors: int, stdin: str | None = None, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(TOOLS), str(NODE.parent), os.environ.get("PATH", "")])
    try:
        return subprocess.run(  # nosec B603 # our own lists of words, and no shell
            [str(part) for part in argv],
            cwd=folder,
            env={**os.environ, **QUIET, "PATH": path},
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=TIMEOUT_S,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise FoundError(f"{argv[0]} does not run: {fault}") from None
