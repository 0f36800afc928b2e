"""The keys that sign tokens, in memory, and how a rotation reaches a running process. The file: `core.keys`."""

import hashlib
import hmac

import structlog
from flask import current_app

from zgpt.core import clock
from zgpt.core.config import ConfigError, Settings
from zgpt.core.keys import JwtKeys, load_jwt_keys

EXTENSION = "zgpt_keyring"
RELOAD_EVERY_S = 30.0
"""The file is small; this long after a rotation at most, a process signs with the new key and forgets dropped ones."""
RELOAD_PAUSE_S = 5.0
"""Unknown key ids come from anybody, so at most one of them in this time makes us read the file at once."""

log = structlog.get_logger(__name__)


class KeyRing:
    """Several keys verify, one signs; the file says which, and from when on.

    It is read again now and then, and when a token names a key that is not held.
    """

    __slots__ = ("_keys", "_loaded_at", "_settings")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: JwtKeys = load_jwt_keys(settings)
        self._loaded_at = clock.monotonic()

    def signer(self) -> tuple[str, str]:
        """The id and the secret of the key that signs."""
        self._reload_after(RELOAD_EVERY_S)
        kid = self._keys.signer(_now_s())
        return kid, self._keys.keys[kid]

    def secret(self, kid: object) -> str | None:
        """The secret of a key id out of a token, or None when there is no such key."""
        self._reload_after(RELOAD_EVERY_S)
        if not isinstance(kid, str):
            return None
        if kid not in self._keys.keys:
            self._reload_after(RELOAD_PAUSE_S)
        return self._keys.usable(_now_s()).get(kid)

    def derived(self, label: str) -> list[bytes]:
        """One key of 32 bytes for another use per held key, the active one's first (HMAC-SHA-256 of the label)."""
        secrets = [self.signer()[1], *self._keys.usable(_now_s()).values()]
        return [hmac.digest(secret.encode(), label.encode(), hashlib.sha256) for secret in secrets]

    def _reload_after(self, pause_s: float) -> None:
        if clock.monotonic() - self._loaded_at < pause_s:
            return
        self._loaded_at = clock.monotonic()
        try:
            self._keys = load_jwt_keys(self._settings)
        except ConfigError as error:
            log.exception("the signing keys cannot be read again; going on with those from before", faults=error.faults)


def _now_s() -> float:
    return clock.now_ms() / 1_000


def keyring() -> KeyRing:
    """The key ring of the current app."""
    ring: KeyRing = current_app.extensions[EXTENSION]
    return ring
