"""REST routes of the devices that are signed in."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from zgpt.auth import logins, queries
from zgpt.auth.access import require_identity, signed_in
from zgpt.auth.answers import goodbye, known_id
from zgpt.auth.devices import device_name
from zgpt.auth.models import Login
from zgpt.core import clock
from zgpt.core.openapi import operation

blueprint = Blueprint("logins", __name__)


class LoginOut(BaseModel):
    """One device: what it calls itself, and the network it was last seen in (wide, not an address)."""

    id: str
    device: str
    created_at: str
    last_used_at: str
    expires_at: str
    network: str | None
    current: bool


class LoginList(BaseModel):
    """The devices that are signed in."""

    items: list[LoginOut]


@blueprint.get("/logins")
@signed_in
@operation(summary="List the devices that are signed in", responses={200: LoginList})
def list_logins() -> LoginList:
    """The one that was used last first."""
    identity = require_identity()
    return LoginList(items=[_shown(login, identity.login_id) for login in queries.live_logins(identity.user_id)])


@blueprint.delete("/logins/<login_id>")
@signed_in
@operation(summary="Sign a device out", responses={204: None}, problems=(404, 503))
def end_login(login_id: str) -> ResponseReturnValue:
    """Its sockets close at once, wherever they are. The current device may be named too."""
    identity, wanted = require_identity(), known_id(login_id)
    logins.end_one(identity, wanted)
    return goodbye() if wanted == identity.login_id else ("", 204)


def _shown(login: Login, current_id: str) -> LoginOut:
    return LoginOut(
        id=login.id,
        device=device_name(login.user_agent),
        created_at=clock.iso(login.created_at),
        last_used_at=clock.iso(login.last_used_at),
        expires_at=clock.iso(login.expires_at),
        network=login.network,
        current=login.id == current_id,
    )
