"""The web app's files with an address of their own: its page, and its service worker, which must stand at the root."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, current_app, send_from_directory
from flask.typing import ResponseReturnValue

from zgpt.core.openapi import operation

FOLDER = "pwa"
NOT_CACHED = {".ts", ".map", ".md", ".txt"}
SPECIAL = ("index.html", "sw.js")
"""Served at addresses of their own; a change of them is a new version too."""
VERSION_CHARS = 16

blueprint = Blueprint("shell", __name__)


@dataclass(frozen=True, slots=True)
class Shell:
    """What the service worker must know: the addresses of all files, and a version that changes with any of them."""

    version: str
    assets: tuple[str, ...]


@blueprint.get("/")
@blueprint.get("/s/<session_id>")
@operation(summary="The web app", auth="none", media_type="text/html", listed=False)
def page(**_address_in_the_app: str) -> ResponseReturnValue:
    """The page itself holds nothing of anybody: it asks for the rest."""
    return send_from_directory(_folder(), "index.html")


@blueprint.get("/sw.js")
@operation(summary="The web app's service worker", auth="none", media_type="text/javascript", listed=False)
def service_worker() -> ResponseReturnValue:
    """`static/pwa/sw.js`, headed by the version and the files to keep: `self.ZGPT_SHELL = {version, assets}`."""
    shell = read_shell(_folder())
    facts = json.dumps({"version": shell.version, "assets": ["/", *shell.assets]})
    source = (_folder() / "sw.js").read_text(encoding="utf-8")
    response = Response(f"self.ZGPT_SHELL = {facts};\n{source}", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(shell.version)
    return response


@cache
def read_shell(folder: Path) -> Shell:
    """The files below `folder` as they are when the process starts (computed once)."""
    files = sorted(path for path in folder.rglob("*") if _is_asset(folder, path))
    digest = hashlib.sha256()
    for path in [*files, *(folder / name for name in SPECIAL)]:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return Shell(digest.hexdigest()[:VERSION_CHARS], tuple(_address(folder, path) for path in files))


def _is_asset(folder: Path, path: Path) -> bool:
    inside = path.relative_to(folder)
    hidden = any(part.startswith(".") for part in inside.parts)
    return path.is_file() and not hidden and path.suffix not in NOT_CACHED and inside.as_posix() not in SPECIAL


def _address(folder: Path, path: Path) -> str:
    return f"/static/{FOLDER}/{path.relative_to(folder).as_posix()}"


def _folder() -> Path:
    return Path(current_app.static_folder or "") / FOLDER
