"""The command `flask rotate-keys`: another key signs access tokens, and nobody is signed out by it."""

import click
from flask import Flask
from flask.cli import with_appcontext

from zgpt.core import audit, clock
from zgpt.core.config import ConfigError, settings
from zgpt.core.db import transaction
from zgpt.core.keys import PUBLISHED_S, SKEW_S, JwtKeys, load_jwt_keys, replaced, rotated, save_jwt_keys


def register(app: Flask) -> None:
    """Add the command to the app."""
    app.cli.add_command(rotate_keys)


@click.command("rotate-keys")
@click.option("--leaked", is_flag=True, help="Drop the old key at once: for one that somebody else has seen.")
@with_appcontext
def rotate_keys(leaked: bool) -> None:
    """Make a new key for access tokens. Running servers take it up within a minute; the old one goes by itself."""
    now_s = clock.now_ms() / 1_000
    try:
        keys = _following(now_s, leaked=leaked)
        save_jwt_keys(settings(), keys)
    except (ConfigError, ValueError) as fault:
        raise click.ClickException(str(fault)) from None
    with transaction():
        audit.record("keys_rotated", None, by="command", leaked=leaked, kid=keys.following or keys.active)
    if leaked:
        click.echo("The old key is gone. Devices renew their tokens by themselves; for half a minute some ask twice.")
        return
    life_min = (PUBLISHED_S + settings().access_token_s + SKEW_S) / 60
    click.echo(f"The new key signs in {PUBLISHED_S:g} s; the old one is good for {life_min:.0f} more minutes.")


def _following(now_s: float, *, leaked: bool) -> JwtKeys:
    held = load_jwt_keys(settings())
    return replaced() if leaked else rotated(held, now_s, settings().access_token_s)
