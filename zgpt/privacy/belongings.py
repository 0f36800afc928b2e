"""Which tables hold something of a user, and which of their columns the user may see. Pure; rows are `queries`' affair.

Tables are found by their foreign key to `users`, so that a feature that adds one has it exported without a word here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Column, Table
from sqlalchemy.schema import MetaData

# What proves who somebody is would let the reader of a lost file be them.
_SECRET = re.compile(r"(hash|secret|token|salt|key|code|seed|last_step)$|password|secret")
TOLD_APART = frozenset(("chat_sessions", "runs"))
"""Shown with their messages, by `queries`."""


def owned_tables(metadata: MetaData) -> list[Table]:
    """The tables whose rows belong to one user each, by name."""
    return [table for table in metadata.sorted_tables if owner_column(table) is not None]


def owner_column(table: Table) -> Column[str] | None:
    """The column that names the user, if the rows are the user's own."""
    keys = (key for key in table.foreign_keys if key.column.table.name == "users")
    return next((key.parent for key in keys), None)


def shown_columns(table: Table) -> list[Column[object]]:
    """The columns without secrets, and without the user's id, which is the same on all rows."""
    owner = owner_column(table)
    return [column for column in table.columns if column is not owner and not is_secret(column.name)]


def is_secret(name: str) -> bool:
    """Whether a column of this name is never shown, not even to its owner."""
    return _SECRET.search(name) is not None


def exported_flatly(metadata: MetaData) -> Iterable[Table]:
    """The tables that are shown row by row as they are."""
    return (table for table in owned_tables(metadata) if table.name not in TOLD_APART)
