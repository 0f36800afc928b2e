"""All routes and commands of `zgpt.ops`, registered at once. Each module here holds a few."""

from flask import Flask

from zgpt.ops import about, client_errors, commands, health, reference, shell


def register(app: Flask) -> None:
    """Add the routes and the commands to the app."""
    for part in (health, shell, about, client_errors, reference):
        app.register_blueprint(part.blueprint)
    commands.register(app)
