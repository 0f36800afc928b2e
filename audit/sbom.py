"""What is in a Z-GPT that serves, as CycloneDX: `make sbom` writes build/sbom/. Tools for tests are not in it."""

import json
import shutil
import tempfile
from pathlib import Path

import zgpt
from audit.tools import ROOT, answer

FOLDER = ROOT / "build" / "sbom"
PYTHON_LOCKS = ("requirements.txt", "requirements-model.txt")


def write() -> str:
    """Make both files anew; returns where they are and how much is in them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    numbers = [_write("python.cdx.json", python()), _write("npm.cdx.json", npm())]
    return f"{FOLDER.relative_to(ROOT)}: {numbers[0]} packages of Python, {numbers[1]} of npm"


def python() -> str:
    """From the pins and hashes that are installed."""
    locks = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in PYTHON_LOCKS)
    return answer("cyclonedx-py", "requirements", "--output-reproducible", "--of", "JSON", "-", stdin=locks)


def npm() -> str:
    """From package-lock.json. npm wants a version of the whole, which package.json has no use for."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
        (folder / "package.json").write_text(json.dumps({**package, "version": zgpt.__version__}), encoding="utf-8")
        shutil.copy(ROOT / "package-lock.json", folder)
        argv = ("npm", "sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only")
        return answer(*argv, folder=folder)


def _write(name: str, text: str) -> int:
    components = json.loads(text)["components"]
    (FOLDER / name).write_text(text, encoding="utf-8")
    return len(components)
