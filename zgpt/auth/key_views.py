"""REST routes of API keys. No key can reach them: keys are made and ended by people who are signed in."""

from typing import Annotated, Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from zgpt.auth import key_actions, queries
from zgpt.auth.access import require_identity, signed_in
from zgpt.auth.answers import known_id
from zgpt.auth.keys import Scope
from zgpt.auth.models import ApiKey
from zgpt.auth.schemas import Name, Password, SecretBody
from zgpt.core import clock
from zgpt.core.limits import limited
from zgpt.core.openapi import operation

LIFE_DAYS_MAX = 3_650

blueprint = Blueprint("keys", __name__)


class NewKey(SecretBody):
    """What a key is for, what it may, and for how long; with the password, for a key outlives a sign-in."""

    name: Annotated[Name, Field(min_length=1)]
    scopes: list[Scope] = Field(min_length=1, max_length=2)
    expires_in_days: int | None = Field(None, ge=1, le=LIFE_DAYS_MAX)
    password: Password


class KeyOut(BaseModel):
    """A key without itself: `start` is what it begins with, `last_used_at` is true to the hour."""

    id: str
    name: str
    start: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class KeyMade(KeyOut):
    """The same with the key, which is shown this once."""

    key: str


class KeyList(BaseModel):
    """The keys of an account."""

    items: list[KeyOut]


@blueprint.get("/keys")
@signed_in
@operation(summary="List the API keys", responses={200: KeyList})
def list_keys() -> KeyList:
    """The newest first."""
    return KeyList(items=[KeyOut(**_shown(row)) for row in queries.live_keys(require_identity().user_id)])


@blueprint.post("/keys")
@signed_in
@limited("login")
@operation(summary="Make an API key", request=NewKey, responses={201: KeyMade}, problems=(403, 409, 429, 503))
def make_key(body: NewKey) -> KeyMade:
    """The key is in the answer and nowhere else."""
    made = key_actions.make(require_identity(), body.password, body.name, body.scopes, body.expires_in_days)
    return KeyMade(**_shown(made.row), key=made.key)


@blueprint.delete("/keys/<key_id>")
@signed_in
@operation(summary="End an API key", responses={204: None}, problems=(404, 503))
def end_key(key_id: str) -> ResponseReturnValue:
    """Its sockets close at once, wherever they are."""
    key_actions.revoke(require_identity(), known_id(key_id))
    return "", 204


def _shown(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "start": row.start,
        "scopes": row.scopes.split(),
        "created_at": clock.iso(row.created_at),
        "expires_at": clock.iso(row.expires_at) if row.expires_at else None,
        "last_used_at": clock.iso(row.last_used_at) if row.last_used_at else None,
    }
