"""The commands `flask seed` and `flask create-admin`. `.flaskenv` names the app."""

import secrets

import click
from flask import Flask
from flask.cli import with_appcontext

from zgpt.core.errors import Problem
from zgpt.ops import account_commands, actions

PASSWORD_BYTES = 12


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(seed)
    app.cli.add_command(create_admin)
    app.cli.add_command(account_commands.user)
    app.cli.add_command(account_commands.password_reset)


@click.command()
@click.option("--password", help="The password of the demo's people. Default: a new one, which is printed.")
@with_appcontext
def seed(password: str | None) -> None:
    """Fill in a demo: two people with sessions and answers. Running it again changes nothing."""
    # Here, because a process that serves needs neither the demo nor a reader of TOML.
    from zgpt.seed.actions import plant

    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)
    planted = plant(chosen)
    if not planted:
        click.echo("The demo is there already; nothing was changed.")
        return
    click.echo(f"Made {' and '.join(planted)} with the password {chosen}")
    click.echo("Anybody who knows it can sign in: keep a demo off servers that others reach.")


@click.command("create-admin")
@click.argument("email")
@click.option(
    "--password", envvar="ZGPT_ADMIN_PASSWORD", help="Only for a new account. Asked for when it is not given."
)
@with_appcontext
def create_admin(email: str, password: str | None) -> None:
    """Make the account EMAIL an admin; make the account when there is none."""
    if actions.is_known(email):
        password = None
    elif password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        made = actions.make_admin(email, password)
    except (ValueError, Problem) as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(f"{email} {'was made and ' if made else ''}is an admin now.")
