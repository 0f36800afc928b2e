"""The commands `flask export-user` and `flask prune`. What they do is in `export` and `actions`."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

import click
from flask import Flask
from flask.cli import with_appcontext

from zgpt.privacy import queries
from zgpt.privacy.actions import note_export
from zgpt.privacy.actions import prune as delete_old
from zgpt.privacy.erasure import erase_again, erased_path, read_ids
from zgpt.privacy.export import belongings_of, stream
from zgpt.privacy.formats import Format


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(export_user)
    app.cli.add_command(prune)
    app.cli.add_command(erase_after_restore)


@click.command("export-user")
@click.argument("email")
@click.option("--format", "form", type=click.Choice(["json", "markdown"]), default="json", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A new file. Default: standard output.")
@with_appcontext
def export_user(email: str, form: Format, output: Path | None) -> None:
    """Write out everything of the account EMAIL, as its owner may do in the web app."""
    user_id = queries.user_id_of(email)
    if user_id is None:
        raise click.ClickException("there is no account with this e-mail")
    belongings = belongings_of(user_id)
    note_export(user_id, form, by="command")
    with _opened(output) as file:
        for piece in stream(form, belongings, may_go_on=lambda: True):
            file.write(piece)


@click.command()
@with_appcontext
def prune() -> None:
    """Delete what is older than RETENTION_DAYS, and what nobody needs any more. A server does so each hour."""
    for what, number in delete_old().items():
        click.echo(f"{number:>8}  {what.replace('_', ' ')}")


@click.command("erase-again")
@click.option(
    "--ids",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with an id on each line. Default: erased_users.txt in INSTANCE_DIR.",
)
@with_appcontext
def erase_after_restore(ids: Path | None) -> None:
    """After a backup was restored: delete again the accounts that had been deleted since it was made."""
    path = ids or erased_path()
    try:
        number = erase_again(list(read_ids(path))) if path.exists() else 0
    except ValueError as fault:
        raise click.ClickException(f"{path}: {fault}") from None
    click.echo(f"{number} accounts were there again, and are deleted.")


def _opened(output: Path | None) -> BinaryIO:
    """The file, which only its owner can read; an existing one is not written over."""
    if output is None:
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    try:
        return os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from None
