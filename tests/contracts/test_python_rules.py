"""Where things may be done: one place for the database's session, one for the clock."""

import ast

from tests.support.tree import texts

MODULES = texts(".py", under="zgpt")
SESSION_FILES = ("actions.py", "queries.py", "access.py")
# Actions and queries whose name says more than "actions" would.
SESSION_MODULES = {
    "zgpt/core/db.py": "makes the session",
    "zgpt/core/audit.py": "adds its line to the transaction that is under way",
    "zgpt/core/audit_verify.py": "the queries of reading the audit log over",
    "zgpt/core/chores.py": "the action of claiming a chore",
    "zgpt/core/limits.py": "reads a user's own limits",
    "zgpt/ops/checks.py": "asks whether the schema is there",
    "zgpt/auth/logins.py": "the actions on one login; actions.py has those on the account",
    "zgpt/runs/ending.py": "the actions at the end of a run",
    "zgpt/runs/news.py": "the queries for what viewers may have missed",
    "zgpt/runs/ownership.py": "the queries for who owns which run",
    "zgpt/runs/quotas.py": "the queries and the one action of what a user has used",
    "zgpt/runs/recovery.py": "the queries of a start after a crash",
    "zgpt/runs/spending.py": "lets go of its connection before it waits for the counter",
    "zgpt/runs/strays.py": "the queries for runs of this process that nothing writes",
    "zgpt/runs/takeover.py": "the queries for runs whose process is gone",
    "zgpt/runs/titles.py": "the one action of a title",
}
CLOCKS = {("time", "time"), ("time", "monotonic"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}


def _attributes(text: str) -> list[tuple[str, str, int]]:
    """Owner, name and line of every ``owner.name`` in a module."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
    return [(node.value.id, node.attr, node.lineno) for node in nodes if isinstance(node.value, ast.Name)]


def test_the_database_session_is_used_only_where_data_is_read_or_changed() -> None:
    elsewhere = [
        f"{name}:{line}"
        for name, text in MODULES
        for owner, attribute, line in _attributes(text)
        if (owner, attribute) == ("db", "session")
        if not name.endswith(SESSION_FILES) and name not in SESSION_MODULES
    ]

    assert elsewhere == []


def test_the_time_is_read_only_in_the_clock() -> None:
    elsewhere = [
        f"{name}:{line} {owner}.{attribute}"
        for name, text in MODULES
        for owner, attribute, line in _attributes(text)
        if (owner, attribute) in CLOCKS and name != "zgpt/core/clock.py"
    ]

    assert elsewhere == []
