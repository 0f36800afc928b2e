"""A person on a running server, over HTTP; their WebSocket is ``viewer.py``."""

import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.request import Request

from tests.support.people import PASSWORD
from tests.support.web import fetched

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in at ``url`` (http://host:port)."""

    url: str
    token: str

    def get(self, path: str) -> Json:
        """The JSON behind a path; HTTPError where the server refuses."""
        return _ask(Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"}))

    def post(self, path: str, body: Json) -> Json:
        """POST as JSON; the answer's JSON, or nothing."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return _ask(Request(self.url + path, json.dumps(body).encode(), headers))

    def messages(self, session_id: str) -> list[Json]:
        """The messages of a session as they are stored, oldest first."""
        items: list[Json] = self.get(f"/api/v1/sessions/{session_id}/messages?limit=100")["items"]
        return sorted(items, key=lambda message: str(message["id"]))


def visit(url: str) -> Visitor:
    """Make an account on a running server."""
    account = {"email": f"{uuid.uuid4().hex[:12]}@example.org", "password": PASSWORD}
    body = json.dumps(account).encode()
    answer = _ask(Request(f"{url}/api/v1/auth/signup", body, {"Content-Type": "application/json"}))
    return Visitor(url, str(answer["access_token"]))


def come_back(url: str, email: str) -> Visitor:
    """Sign in with an account that exists: what its owner sees past every page."""
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    answer = _ask(Request(f"{url}/api/v1/auth/login", body, {"Content-Type": "application/json"}))
    return Visitor(url, str(answer["access_token"]))


def _ask(request: Request) -> Json:
    with fetched(request, 20) as answer:
        value: Json = json.loads(answer.read() or b"{}")
        return value
