"""Commands of an operator about one account: `flask user …` and `flask password-reset`. What they do is in `auth`."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup, with_appcontext

from zgpt.auth import link_actions, standing_actions
from zgpt.auth.models import Role
from zgpt.auth.schemas import clean_email
from zgpt.core.config import settings
from zgpt.core.errors import Problem

BY = "command"

user = AppGroup("user", help="Shut an account out, let it in again, give it another role or e-mail.")


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Shut the account EMAIL out: its devices, API keys and sockets end at once. Nothing of it is deleted."""
    with _in_words():
        standing_actions.disable(email, BY)
    click.echo(f"{email} is shut out.")


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let the account EMAIL sign in again."""
    with _in_words():
        standing_actions.enable(email, BY)
    click.echo(f"{email} may sign in again.")


@user.command()
@click.argument("email")
@click.argument("role", type=click.Choice(["member", "admin"]))
def role(email: str, role: Role) -> None:
    """Give the account EMAIL the role ROLE. Its sockets come back with it."""
    with _in_words():
        standing_actions.set_role(email, role, BY)
    click.echo(f"{email} has the role {role}.")


@user.command("email")
@click.argument("email")
@click.argument("new")
def move(email: str, new: str) -> None:
    """Give the account EMAIL the e-mail NEW, without a letter."""
    with _in_words():
        standing_actions.set_email(email, clean_email(new), BY)
    click.echo(f"{email} signs in as {new} from now on.")


@user.command("second-factor-off")
@click.argument("email")
def second_factor_off(email: str) -> None:
    """Take the second factor of EMAIL away, for somebody who lost it and all recovery codes. Make sure who asks."""
    with _in_words():
        standing_actions.remove_second_factor(email, BY)
    click.echo(f"{email} signs in by password alone.")


@click.command("password-reset")
@click.argument("email")
@with_appcontext
def password_reset(email: str) -> None:
    """Print a link by which EMAIL chooses a new password. It works once, for an hour; hand it over safely."""
    if settings().public_url is None:
        raise click.ClickException("PUBLIC_URL is not set, so nobody knows where the link should lead")
    with _in_words():
        click.echo(link_actions.password_link(clean_email(email)))


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (ValueError, Problem) as fault:
        raise click.ClickException(str(fault)) from None
