"""The secrets that sign access tokens, by key id: from JWT_SECRET, or made at the first start and kept in a file.

How they change is here (`rotated`), how a running process hears of it in `zgpt.auth.keyring`.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from zgpt.core.config import ConfigError, Settings
from zgpt.core.ids import new_id
from zgpt.core.secret_file import read_or_make, replace_whole

FILE_NAME = "jwt_keys.json"
SECRET_BYTES = 48
PUBLISHED_S = 60.0
"""A new key signs this long after it was written down: by then every process has read the file again (30 s)."""
SKEW_S = 60.0
"""How far the clocks of several machines may be apart."""


@dataclass(frozen=True, slots=True)
class JwtKeys:
    """`keys` maps a key id to its secret; `active` is the one that signs, the others only verify.

    `following` signs instead from `follows_at_s` on; a key in `until_s` is good for nothing after that time. Times are
    epoch seconds. So one file, written once, takes all processes through a whole rotation.
    """

    active: str
    keys: dict[str, str] = field(repr=False)
    following: str = ""
    follows_at_s: float = 0.0
    until_s: dict[str, float] = field(default_factory=dict)

    def signer(self, now_s: float) -> str:
        """The id of the key that signs at this time."""
        return self.following if self.following and now_s >= self.follows_at_s else self.active

    def usable(self, now_s: float) -> dict[str, str]:
        """The keys that verify at this time."""
        return {kid: secret for kid, secret in self.keys.items() if now_s < self.until_s.get(kid, float("inf"))}


def load_jwt_keys(settings: Settings) -> JwtKeys:
    """The keys of these settings; makes the file (mode 0600) if there is none. ConfigError for a broken one."""
    if settings.jwt_secret:
        keys = {settings.jwt_kid: settings.jwt_secret.get_secret_value()}
        if settings.jwt_previous_secret:
            keys[settings.jwt_previous_kid] = settings.jwt_previous_secret.get_secret_value()
        return JwtKeys(settings.jwt_kid, keys)
    return _read(settings.instance_dir / FILE_NAME)


def rotated(keys: JwtKeys, now_s: float, token_life_s: float) -> JwtKeys:
    """The keys with a fresh one that will sign soon; the one until then verifies what it signed, and goes.

    Raises ValueError while an earlier rotation has not come to its signing yet.
    """
    if keys.following and now_s < keys.follows_at_s:
        raise ValueError("a rotation is under way; wait until its key signs")
    signer, kid, follows_at_s = keys.signer(now_s), new_id(), now_s + PUBLISHED_S
    known = {**keys.usable(now_s), kid: _secret()}
    until_s = {old: keys.until_s[old] for old in known if old in keys.until_s}
    return JwtKeys(signer, known, kid, follows_at_s, {**until_s, signer: follows_at_s + token_life_s + SKEW_S})


def replaced() -> JwtKeys:
    """One fresh key and nothing else: for a secret that somebody else has seen."""
    return _fresh()


def save_jwt_keys(settings: Settings, keys: JwtKeys) -> Path:
    """Put the keys in the place of the file, whole or not at all. ConfigError where they come from JWT_SECRET."""
    if settings.jwt_secret:
        raise ConfigError(["JWT_SECRET holds the key: put another one there, and the old one into JWT_PREVIOUS_SECRET"])
    path = settings.instance_dir / FILE_NAME
    replace_whole(path, msgspec.json.encode(keys))
    return path


def _fresh() -> JwtKeys:
    kid = new_id()
    return JwtKeys(kid, {kid: _secret()})


def _secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _read(path: Path) -> JwtKeys:
    try:
        keys = msgspec.json.decode(read_or_make(path, lambda: msgspec.json.encode(_fresh())), type=JwtKeys)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            [f"{path} cannot be read ({error}); restore it, or delete it, which signs everyone out"]
        ) from error
    for kid in filter(None, (keys.active, keys.following)):
        if kid not in keys.keys:
            raise ConfigError([f"{path} names {kid!r} as a key that signs but does not hold it"])
    return keys
