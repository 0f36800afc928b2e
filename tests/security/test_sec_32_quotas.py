"""Check 32 without the widget: nobody gets more by coming from elsewhere, and the model is not asked.

Guests, site keys and the cap of a tenant come with the widget.
"""

import http.client
import json
from contextlib import closing
from typing import Any

import pytest

from tests.security.chats import api_key, new_name, person, socket_of
from tests.security.conftest import MakeHouse
from tests.security.houses import AUTH, Browser, House
from tests.security.raw import Reply, ask
from tests.support.people import PASSWORD
from tests.support.processes import polls
from tests.support.ws_client import Client, CommandFailed

SIGNUPS, MESSAGES, RUNS, TOKENS_PER_DAY = 5, 4, 2, 900
HUGE_BYTES = 10 * 1_048_576


@pytest.fixture(scope="module")
def metered(make_house: MakeHouse) -> House:
    """A server behind one proxy, with small limits."""
    limits = {
        "TRUSTED_PROXIES": "1",
        "LIMIT_SIGNUP": f"{SIGNUPS} per hour",
        "LIMIT_MESSAGES": f"{MESSAGES} per hour",
        "LIMIT_ADDRESSES": "60 per minute",
    }
    return make_house(**limits)


@pytest.fixture(scope="module")
def rationed(make_house: MakeHouse) -> House:
    """A server where one has few answers at once, and few tokens a day."""
    quotas = {"QUOTA_RUNS": str(RUNS), "QUOTA_TOKENS_PER_DAY": str(TOKENS_PER_DAY), "LLM_MAX_OUTPUT_TOKENS": "200"}
    return make_house(**quotas)


def sign_up_from(made: House, address: str) -> Reply:
    body = json.dumps({"email": f"{new_name()}@example.org", "password": PASSWORD}).encode()
    return ask(made.server, f"{AUTH}/signup", "POST", body, Content_Type="application/json", X_Forwarded_For=address)


def send(browser: Browser, text: str = "Hi", **more: Any) -> dict[str, Any]:
    with socket_of(browser) as viewer:
        sent = viewer.online.command("message.send", client_id=new_name(), text=text, **more)
        viewer.online.wait_for("run.completed", run_id=sent["run_id"])
        return sent


def test_sec_32_another_address_of_the_same_network_is_the_same_caller(metered: House) -> None:
    answers = [sign_up_from(metered, f"2001:db8:7:7:{at:x}::{at:x}") for at in range(SIGNUPS + 1)]
    assert [answer.status for answer in answers] == [201] * SIGNUPS + [429]
    assert int(answers[-1].headers["retry-after"]) > 60
    assert json.loads(answers[-1].body)["code"] == "rate_limited"
    assert sign_up_from(metered, "2001:db8:7:8::1").status == 201


def test_sec_32_a_mapped_address_is_the_same_caller_too(metered: House) -> None:
    addresses = ["198.51.100.7", "::ffff:198.51.100.7", "::FFFF:c633:6407"] * 2
    assert [sign_up_from(metered, address).status for address in addresses] == [201] * SIGNUPS + [429]


def test_sec_32_addresses_that_the_client_made_up_change_nothing(metered: House) -> None:
    answers = [sign_up_from(metered, f"203.0.113.{at}, 192.0.2.9") for at in range(SIGNUPS + 1)]
    assert answers[-1].status == 429


def test_sec_32_calls_of_one_network_are_counted_together(metered: House) -> None:
    statuses = [ask(metered.server, "/api/v1/app", X_Forwarded_For=f"2001:db8:9:9::{at:x}").status for at in range(61)]
    assert statuses == [200] * 60 + [429]


def test_sec_32_one_person_has_one_allowance_over_all_devices_keys_and_doors(metered: House) -> None:
    first = Browser(metered.server).sign_up()
    second = Browser(metered.server, first.email).sign_in()
    key = api_key(first)
    session_id = send(first)["session_id"]
    send(second)
    with socket_of(first, key) as viewer:
        sent = viewer.online.command("message.send", client_id=new_name(), text="Hi")
        viewer.online.wait_for("run.completed", run_id=sent["run_id"])
    path, body = f"/api/v1/sessions/{session_id}/messages", {"client_id": new_name(), "text": "Hi"}
    last = first.ask("POST", path, body)
    assert last.status == 202
    for _ in polls(20.0):
        if first.ask("GET", f"/api/v1/runs/{last.json['run_id']}").json["status"] == "completed":
            break
    asked = metered.model.stats()["requests"]
    refused = second.ask("POST", path, {"client_id": new_name(), "text": "Hi"})
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    with pytest.raises(CommandFailed) as caught:
        send(first)
    assert caught.value.code == "rate_limited"
    assert caught.value.frame["retry_after_ms"] > 1_000
    assert metered.model.stats()["requests"] == asked


def test_sec_32_ten_megabytes_are_refused_before_anything_is_stored_or_asked(rationed: House) -> None:
    owner = person(rationed)
    session_id = owner.ask("POST", "/api/v1/sessions", {}).json["id"]
    asked = rationed.model.stats()["requests"]
    body = json.dumps({"client_id": new_name(), "text": "x" * HUGE_BYTES}).encode()
    assert status_of_large_body(owner, f"/api/v1/sessions/{session_id}/messages", body) == 413
    with closing(Client(rationed.server.url).connect()) as socket:
        socket.hello(owner.token)
        socket.send_frame(body[:65_537])
        assert socket.wait_closed(10).code == 1009
    with pytest.raises(CommandFailed) as caught:
        send(owner, "x" * 40_000)
    assert caught.value.code == "too_large"
    assert owner.ask("GET", f"/api/v1/sessions/{session_id}/messages").json["items"] == []
    assert rationed.model.stats()["requests"] == asked


def status_of_large_body(owner: Browser, path: str, body: bytes) -> int:
    """Only the beginning of the body is sent: what is too long must be refused by its declared length."""
    connection = http.client.HTTPConnection("127.0.0.1", owner.server.port, timeout=20)
    with closing(connection):
        connection.putrequest("POST", path)
        for name, value in {"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:1_000])
        return connection.getresponse().status


def test_sec_32_answers_at_once_are_bounded_and_the_model_is_not_asked(rationed: House) -> None:
    owner, before = person(rationed), rationed.model.stats()["requests"]
    with socket_of(owner) as viewer:
        for _ in range(RUNS):
            viewer.online.command("message.send", client_id=new_name(), text="count:150@50")
        for _ in polls(10.0):
            if rationed.model.stats()["requests"] == before + RUNS:
                break
        with pytest.raises(CommandFailed) as caught:
            viewer.online.command("message.send", client_id=new_name(), text="Hi")
        assert caught.value.code == "too_many_runs"
    assert rationed.model.stats()["requests"] == before + RUNS


def test_sec_32_who_has_used_up_the_day_is_told_until_when(rationed: House) -> None:
    owner = person(rationed)
    for _ in range(TOKENS_PER_DAY // 200):
        send(owner, "count:250")
    asked = rationed.model.stats()["requests"]
    with pytest.raises(CommandFailed) as caught:
        send(owner)
    assert caught.value.code == "quota_exhausted"
    assert caught.value.frame["retryable"] is False
    usage = owner.ask("GET", "/api/v1/usage").json["tokens"]
    assert usage["used"] >= TOKENS_PER_DAY
    assert usage["resets_at"]
    assert rationed.model.stats()["requests"] == asked
