"""All routes and commands of `zgpt.ops`, registered at once. Each module here holds a few."""

from flask import Flask

from zgpt.ops import (
    about,
    audit_commands,
    client_errors,
    commands,
    csp_reports,
    database_commands,
    health,
    key_commands,
    reference,
    shell,
)


def register(app: Flask) -> None:
    """Add the routes and the commands to the app."""
    for part in (health, shell, about, client_errors, csp_reports, reference):
        app.register_blueprint(part.blueprint)
    for group in (commands, audit_commands, database_commands, key_commands):
        group.register(app)
