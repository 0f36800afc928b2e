"""Access tokens: short, signed, never stored (RFC 7519, typed as RFC 9068 does). Refresh tokens are in `refresh`."""

from dataclasses import dataclass
from typing import Any

import jwt
from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token

from zgpt.auth.keyring import EXTENSION, KeyRing, keyring
from zgpt.auth.queries import role_of_login
from zgpt.core import clock
from zgpt.core.config import Settings, settings
from zgpt.core.errors import Unauthorized
from zgpt.core.ids import parse_id
from zgpt.core.keys import SKEW_S

ALGORITHM = "HS256"
HEADER_TYPE = "at+jwt"
ISSUER = "zgpt"
AUDIENCE = "zgpt-api"
MAX_TOKEN_CHARS = 4096
_HEADERS = {"alg", "typ", "kid"}
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a token names, and until when (epoch seconds). It is signed; nobody has looked yet whether the login lives.

    Of an API key as in Identity: `login_id` is the key's id, and `scopes` is what it may.
    """

    user_id: str
    login_id: str
    expires_at: float
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: the user, the login (device) it came by, the role, and until when (epoch seconds).

    For an API key `login_id` is the key's id, and `scopes` is what it may; a sign-in may everything (None).
    """

    user_id: str
    login_id: str
    role: str
    expires_at: float
    scopes: frozenset[str] | None = None


def install_tokens(app: Flask, config: Settings) -> None:
    """Give the app its key ring and let flask-jwt-extended sign with it. Reading is done here (`read_access`)."""
    ring = app.extensions[EXTENSION] = KeyRing(config)
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_ENCODE_NBF=False,
    )
    manager = JWTManager(app)
    manager.encode_key_loader(lambda _identity: ring.signer()[1])


def issue_access(user_id: str, login_id: str) -> str:
    """An access token of `ACCESS_TOKEN_S` seconds for one login."""
    kid, _ = keyring().signer()
    token: str = create_access_token(
        user_id,
        additional_claims={"lid": login_id, "exp": clock.now_ms() // 1_000 + settings().access_token_s},
        additional_headers={"kid": kid, "typ": HEADER_TYPE},
    )
    return token


def verify_access(token: str) -> Identity:
    """Who an access token speaks for: checks its key, signature, type and time, then its login (one query).

    Raises Unauthorized, always with the same words, whatever is wrong.
    """
    claim = read_access(token)
    role = role_of_login(claim.user_id, claim.login_id)
    if role is None:
        raise Unauthorized
    return Identity(claim.user_id, claim.login_id, role, claim.expires_at)


def read_access(token: str) -> Claim:
    """Whom an access token names: checks its key, signature, type and time. Nobody may be let in by this alone.

    For who looks at the login later, and then must. Raises Unauthorized like `verify_access`.
    """
    claims = _read(token)
    if claims is None or claims["exp"] <= clock.now_ms() / 1_000:
        raise Unauthorized
    return Claim(claims["sub"], claims["lid"], float(claims["exp"]))


def _read(token: str) -> dict[str, Any] | None:
    """The claims of a token that we signed as an access token, or None. The caller judges `exp`, by our clock."""
    if len(token) > MAX_TOKEN_CHARS:
        return None
    try:
        claims = _verified(token)
        well_formed = claims["type"] == "access" and isinstance(claims["exp"], int)
        return {**claims, "sub": parse_id(claims["sub"]), "lid": parse_id(claims["lid"])} if well_formed else None
    except _UNREADABLE:
        return None


def _verified(token: str) -> dict[str, Any]:
    """By PyJWT itself: flask-jwt-extended reads all of a token twice before it verifies it, to find its key."""
    # Its first part alone says which key; the whole of it is read once, and verified, below.
    header = jwt.get_unverified_header(f"{token.partition('.')[0]}..")
    secret = _secret_for(keyring(), header)
    return jwt.decode(
        token,
        secret,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=ISSUER,
        # `iat` is of the machine that signed, whose clock may be a little ahead of ours.
        leeway=SKEW_S,
        options={"verify_exp": False, "require": ["sub", "aud", "iss", "exp"]},
    )


def _secret_for(ring: KeyRing, header: dict[str, Any]) -> str:
    """The secret that must have signed this token. Headers that we never write (`jku`, `jwk`, `crit` …) are refused."""
    secret = ring.secret(header.get("kid"))
    if secret is None or set(header) != _HEADERS or header["typ"] != HEADER_TYPE:
        raise jwt.InvalidTokenError("not signed by this server as an access token")
    return secret
