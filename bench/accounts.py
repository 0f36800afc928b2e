"""People for Z-GPT's measurements, signed up over REST as real ones are; not here: any measuring."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

PASSWORD = "a long enough bench password"  # noqa: S105 - of accounts that live for one run


@dataclass(frozen=True, slots=True)
class Account:
    """An access token and a session of its own; both mean nothing to the peers."""

    token: str
    session_id: str


def make_accounts(port: int, count: int) -> list[Account]:
    """`count` users with one empty session each; RuntimeError with the answer when the server refuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    return [_make_account(connection, index) for index in range(count)]


def _make_account(connection: http.client.HTTPConnection, index: int) -> Account:
    person = {"email": f"bench{index}@example.org", "password": PASSWORD, "name": f"Bench {index}"}
    token = _post(connection, "/api/v1/auth/signup", person, "")["access_token"]
    session = _post(connection, "/api/v1/sessions", {"title": "Bench"}, token)
    return Account(token, session["id"])


def _post(connection: http.client.HTTPConnection, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    data = response.read()
    if response.status != 201:
        raise RuntimeError(f"POST {path}: {response.status} {data[:300]!r}")
    result: dict[str, Any] = json.loads(data)
    return result
