"""The secret that kept data leans on: DATA_SECRET, or made at the first start. Not the keys of tokens, which rotate."""

import hashlib
import hmac
import secrets

from flask import Flask, current_app

from zgpt.core.config import ConfigError, Settings
from zgpt.core.secret_file import read_or_make

EXTENSION = "zgpt_data_key"
FILE_NAME = "data_secret"
SECRET_BYTES = 48


def install_data_key(app: Flask, settings: Settings) -> None:
    """Give the app its secret; ConfigError when the file with it is broken."""
    app.extensions[EXTENSION] = _load(settings)


def data_key(label: str) -> bytes:
    """32 bytes for one use of the current app's secret, told apart by the label (HMAC-SHA-256)."""
    secret: bytes = current_app.extensions[EXTENSION]
    return hmac.digest(secret, label.encode(), hashlib.sha256)


def _load(settings: Settings) -> bytes:
    if settings.data_secret:
        return settings.data_secret.get_secret_value().encode()
    path = settings.instance_dir / FILE_NAME
    try:
        secret = read_or_make(path, lambda: secrets.token_urlsafe(SECRET_BYTES).encode())
    except OSError as error:
        raise ConfigError([f"{path} cannot be read ({error}); restore it"]) from error
    if len(secret) < SECRET_BYTES:
        raise ConfigError([f"{path} is cut off; restore it, or delete it, and second factors must be set up anew"])
    return secret
