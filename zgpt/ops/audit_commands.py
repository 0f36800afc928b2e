"""The commands `flask audit verify` and `flask audit head`, and the chore that writes a head down each hour."""

from collections.abc import Iterator
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from zgpt.core.audit_chain import Head
from zgpt.core.audit_heads import export_head, heads_path, read_heads
from zgpt.core.audit_verify import Verdict, signed_head, verify
from zgpt.core.chores import add_chore

HEAD_EVERY_S = 3_600.0

audit = AppGroup("audit", help="The audit log: is it whole?")


def register(app: Flask) -> None:
    """Add the commands and the chore to the app."""
    app.cli.add_command(audit)
    add_chore(app, "audit_head", HEAD_EVERY_S, export_head)


@audit.command("verify")
@click.option(
    "--head",
    "heads",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with heads, one a line, oldest first. Default: audit_heads.jsonl in INSTANCE_DIR, if it is there.",
)
def verify_log(heads: Path | None) -> None:
    """Read the audit log over and name the first line that is not as it was written; exit status 1 then."""
    try:
        verdict = verify(_heads(heads))
    except ValueError as fault:
        raise click.ClickException(f"The heads cannot be used: {fault}") from None
    if verdict.fault:
        raise click.ClickException(f"Not whole: {verdict.fault}.")
    click.echo(_praise(verdict))


@audit.command("head")
def print_head() -> None:
    """Print the signed head of the log. Keep it elsewhere: `flask audit verify --head FILE` finds what was cut off."""
    click.echo(signed_head().to_json())


def _heads(path: Path | None) -> Iterator[Head]:
    path = path or heads_path()
    return read_heads(path) if path.exists() else iter(())


def _praise(verdict: Verdict) -> str:
    """What was found, and how far one may lean on it."""
    lines = [f"Whole: {verdict.sequence} lines, held against {verdict.heads} heads."]
    if verdict.migrated:
        lines.append(f"The first {verdict.migrated} are older than the chain: they were taken as they were found.")
    if not verdict.heads and verdict.sequence:
        lines.append("Without a head from outside nobody can tell whether lines were cut off at the end.")
    return "\n".join(lines)
