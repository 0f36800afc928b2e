"""A person with a conversation on a running server: what there is to steal, by id. The attacks are in the tests."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.security.houses import AUTH, Browser, House
from tests.support.people import PASSWORD
from tests.support.server import ROOT
from tests.support.viewer import Viewer

WITHIN_S = 20.0


def new_name() -> str:
    """An id that names nothing yet."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Chat:
    """One question of one person and its answer, which has ended unless the question asks for a long one."""

    owner: Browser
    session_id: str
    message_id: str
    answer_id: str
    run_id: str


def person(made: House) -> Browser:
    """Somebody with an account and nothing else."""
    return made.browser().sign_up()


def admin(made: House) -> Browser:
    """Somebody with the most powerful role there is, which an operator gave them."""
    browser = person(made)
    env = {**made.server.env, "PORT": str(made.server.port), "INSTANCE_DIR": str(made.server.folder)}
    argv = [sys.executable, "-m", "flask", "user", "role", browser.email, "admin"]
    subprocess.run(argv, cwd=ROOT, env=env, check=True, capture_output=True, timeout=60)
    assert browser.ask("GET", f"{AUTH}/me").json["role"] == "admin"
    return browser


@contextmanager
def socket_of(browser: Browser, token: str = "") -> Iterator[Viewer]:
    """A connection that has said hello, by the browser's access token or another (an API key)."""
    with Viewer(browser.server.url, token or browser.token) as viewer:
        viewer.connect()
        yield viewer


def api_key(browser: Browser, *scopes: str) -> str:
    """A new API key with these scopes (default: all)."""
    wanted = {"name": "test", "scopes": list(scopes) or ["read", "chat"], "password": PASSWORD}
    made = browser.ask("POST", f"{AUTH}/keys", wanted)
    assert made.status == 201, made
    return str(made.json["key"])


def chat(owner: Browser, text: str = "Hello") -> Chat:
    """Ask and wait for the end of the answer."""
    with socket_of(owner) as viewer:
        sent = viewer.ask(text, new_name())
        viewer.see_the_end(sent["run_id"], WITHIN_S)
        return _known(owner, sent)


def begun_chat(owner: Browser, text: str) -> Chat:
    """Ask, and come back as soon as the first text is there; the answer goes on."""
    with socket_of(owner) as viewer:
        sent = viewer.ask(text, new_name())
        viewer.online.wait_for("run.delta")
        return _known(owner, sent)


def _known(owner: Browser, sent: dict[str, str]) -> Chat:
    items = owner.ask("GET", f"/api/v1/sessions/{sent['session_id']}/messages").json["items"]
    (answer,) = [item for item in items if item["role"] == "assistant"]
    return Chat(owner, sent["session_id"], sent["message_id"], answer["id"], sent["run_id"])
