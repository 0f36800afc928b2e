"""Check 38: a person's secrets, sent everywhere, are found nowhere but in their own rows."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.security.raw import Reply, ask, send
from tests.support.served import served
from tests.support.server import Server
from tests.support.viewer import Viewer

PASSWORD = "canary-Passw0rd-7f3a9c"
WRONG = "canary-Wr0ng-55aa1e"
EMAIL = "canary.9d2b7e@example.org"
NAME = "Canaria 4c81f0"
CARD = "4111 1111 1111 1111"
KEY = "sk-canary0123456789abcdef"
PROMPT = "the canary prompt 0b5d93"
TITLE = "the canary title e6a2c1"
LLM_KEY = "sk-operator-canary-31337"
TOKEN = "of-the-operator-canary-8c1d"


@dataclass(slots=True)
class Journey:
    """What was sent, and everything that came out."""

    server: Server
    redis_url: str
    tokens: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    @property
    def canaries(self) -> list[str]:
        told = [PASSWORD, WRONG, EMAIL, NAME, CARD, KEY, PROMPT, TITLE, LLM_KEY, TOKEN]
        return told + [token for token in self.tokens if token]

    def post(self, path: str, body: Any, method: str = "POST", **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = ask(self.server, path, method, raw, Content_Type="application/json", **headers)
        self.replies.append(reply)
        return reply

    def fail(self, path: str, body: Any, method: str = "POST", **headers: str) -> None:
        assert self.post(path, body, method, **headers).status >= 400


@pytest.fixture(scope="module")
def journey(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, shared_redis_url: str
) -> Iterator[Journey]:
    """One long visit with every secret in every place, at the most talkative log level."""
    settings = {"LLM_API_KEY": LLM_KEY, "LLM_MODEL": "count:5", "METRICS_TOKEN": TOKEN}
    settings |= {"REDIS_URL": shared_redis_url, "LOG_LEVEL": "debug"}
    with served(tmp_path_factory.mktemp("canaries"), sqlite_template, **settings) as (server, _):
        one = Journey(server, shared_redis_url)
        _travel(one)
        yield one


def _travel(one: Journey) -> None:
    account = {"email": EMAIL, "password": PASSWORD, "name": NAME}
    signed_up = one.post("/api/v1/auth/signup", account)
    one.replies.clear()
    token = str(json.loads(signed_up.body)["access_token"])
    refresh = signed_up.cookies["zgpt_refresh"].partition("=")[2]
    one.tokens += [token, refresh]
    _go_wrong(one, account, token)
    _talk(one, token)


def _go_wrong(one: Journey, account: dict[str, str], token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    one.fail("/api/v1/auth/signup", account)
    one.fail("/api/v1/auth/login", {"email": EMAIL, "password": WRONG})
    one.fail("/api/v1/auth/login", {"email": EMAIL, "password": {"x": PASSWORD}})
    one.fail("/api/v1/auth/login", b'{"email":"' + EMAIL.encode() + b'","password":"' + PASSWORD.encode())
    one.fail("/api/v1/auth/login", {"email": EMAIL, "password": PASSWORD, "card": CARD, "key": KEY})
    one.fail("/api/v1/auth/password", {"current_password": WRONG, "new_password": PASSWORD}, **bearer)
    one.fail("/api/v1/auth/me", {"password": WRONG}, "DELETE", **bearer)
    one.fail(f"/api/v1/sessions?token={token}&password={PASSWORD}&q={EMAIL}", b"", "GET", **bearer)
    one.fail("/api/v1/sessions", {"title": [PROMPT, CARD]}, **bearer)
    one.fail("/api/v1/sessions", {}, Authorization=f"Bearer {token}x")
    one.fail("/api/v1/sessions", {}, Authorization=f"Basic {KEY}")
    one.fail("/metrics", b"", "GET", Authorization=f"Bearer {KEY}", X_Forwarded_For="203.0.113.9")
    one.post("/api/v1/auth/refresh", b"", Cookie=f"zgpt_refresh={one.tokens[1]}x")
    one.post("/api/v1/client-errors", {"message": f"at {EMAIL} with {token} and {CARD} {KEY}"})
    broken = f"GET /{token} HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {token}: {PASSWORD}\r\n\r\n"
    one.replies.append(send(one.server, broken.encode()))


def _talk(one: Journey, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    session = json.loads(one.post("/api/v1/sessions", {"title": TITLE}, **bearer).body)["id"]
    one.replies.pop()
    with Viewer(one.server.url, token, session) as viewer:
        viewer.connect()
        for text in (f"{PROMPT} {CARD} {KEY} {EMAIL}", "error:500"):
            run_id = viewer.ask(text, str(uuid.uuid4()))["run_id"]
            viewer.see_the_end(run_id, 20.0)
        viewer.online.send_bytes(b"\x81\x85\x00\x00\x00\x00{" + PASSWORD[:4].encode())


def test_sec_38_the_log_holds_none_of_them(journey: Journey) -> None:
    log = journey.server.log.read_text()
    assert '"event":"audit"' in log
    assert [canary for canary in journey.canaries if canary in log] == []


def test_sec_38_faults_in_words_repeat_none_of_them(journey: Journey) -> None:
    bodies = b"\n".join(reply.body for reply in journey.replies).decode()
    assert len(journey.replies) > 12
    assert [canary for canary in journey.canaries if canary in bodies] == []


def test_sec_38_metrics_hold_none_of_them(journey: Journey) -> None:
    metrics = ask(journey.server, "/metrics").body.decode()
    assert "zgpt_audit_events_total" in metrics
    assert [canary for canary in journey.canaries if canary in metrics] == []


def test_sec_38_redis_holds_none_of_them(journey: Journey) -> None:
    with redis.Redis.from_url(journey.redis_url, socket_timeout=5) as store:
        dumped = b"\n".join(key + b" " + (store.dump(key) or b"") for key in store.keys("*"))
    assert dumped
    assert [canary for canary in journey.canaries if canary.encode() in dumped] == []


def test_sec_38_the_database_holds_passwords_tokens_and_keys_as_hashes_only(journey: Journey) -> None:
    folder = journey.server.folder
    stored = b"".join(path.read_bytes() for path in folder.glob("zgpt.db*"))
    assert PROMPT.encode() in stored
    secrets = [PASSWORD, WRONG, LLM_KEY, TOKEN, *journey.tokens]
    assert [secret for secret in secrets if secret.encode() in stored] == []


def test_sec_38_files_with_secrets_are_their_owners_only(journey: Journey) -> None:
    files = [path for path in journey.server.folder.iterdir() if path.name in {"jwt_keys.json", "data_secret"}]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert len(files) == 2
