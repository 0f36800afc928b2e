"""The secrets that sign access tokens, by key id: from JWT_SECRET, or made at the first start and kept in a file."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from zgpt.core.config import ConfigError, Settings
from zgpt.core.ids import new_id

FILE_NAME = "jwt_keys.json"
SECRET_BYTES = 48


@dataclass(frozen=True, slots=True)
class JwtKeys:
    """`keys` maps a key id to its secret; `active` is the one that signs, the others only verify."""

    active: str
    keys: dict[str, str]


def load_jwt_keys(settings: Settings) -> JwtKeys:
    """The keys of these settings; makes the file (mode 0600) if there is none. ConfigError for a broken one."""
    if settings.jwt_secret:
        return JwtKeys(settings.jwt_kid, {settings.jwt_kid: settings.jwt_secret.get_secret_value()})
    path = settings.instance_dir / FILE_NAME
    if not path.exists():
        _write_once(path, _fresh())
    return _read(path)


def _fresh() -> JwtKeys:
    kid = new_id()
    return JwtKeys(kid, {kid: secrets.token_urlsafe(SECRET_BYTES)})


def _write_once(path: Path, keys: JwtKeys) -> None:
    """Several workers may start at once: each writes a file of its own, and the first to link it wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> JwtKeys:
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=JwtKeys)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            [f"{path} cannot be read ({error}); restore it, or delete it, which signs everyone out"]
        ) from error
    if keys.active not in keys.keys:
        raise ConfigError([f"{path} names {keys.active!r} as the active key but does not hold it"])
    return keys
