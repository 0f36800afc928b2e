"""The devices that are signed in: shown in words, signed out one by one."""

import pytest
from flask import Flask

from tests.auth.recorder import Recorder
from tests.auth.support import AUTH, audit_kinds, login_id_of, sign_in
from tests.conftest import SignedIn
from zgpt.auth.devices import device_name, wide_network
from zgpt.core import clock

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_the_devices_are_listed_with_the_current_one_marked(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    with clock.moved(60):
        sign_in(app.test_client(), person.email, **{"User-Agent": FIREFOX})
    items = person.client.get(f"{AUTH}/logins", headers=person.headers).get_json()["items"]
    assert [(item["device"], item["current"], item["network"]) for item in items] == [
        ("Firefox on Linux", False, "127.0.0.0/24"), ("Unknown device", True, "127.0.0.0/24"),
    ]  # fmt: skip
    assert items[1]["id"] == login_id_of(person)
    assert set(items[0]) == {"id", "device", "created_at", "last_used_at", "expires_at", "network", "current"}


def test_signing_a_device_out_ends_it_and_closes_its_sockets(
    app: Flask, signed_in: SignedIn, recorder: Recorder
) -> None:
    person, other = signed_in(), app.test_client()
    token = sign_in(other, person.email).get_json()["access_token"]
    items = person.client.get(f"{AUTH}/logins", headers=person.headers).get_json()["items"]
    (there,) = [item["id"] for item in items if not item["current"]]
    assert person.client.delete(f"{AUTH}/logins/{there}", headers=person.headers).status_code == 204
    assert recorder.revoked == [(person.id, there, 4501)]
    assert other.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert other.post(f"{AUTH}/refresh").status_code == 401
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 200
    assert person.client.delete(f"{AUTH}/logins/{there}", headers=person.headers).status_code == 404
    assert audit_kinds(app, person.id)[-1] == "device_signed_out"


def test_signing_the_current_device_out_takes_its_cookie(signed_in: SignedIn) -> None:
    person = signed_in()
    answer = person.client.delete(f"{AUTH}/logins/{login_id_of(person)}", headers=person.headers)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 401


def test_sec_21_another_persons_device_is_like_none(signed_in: SignedIn) -> None:
    person, other = signed_in(), signed_in()
    theirs, nobodys = login_id_of(other), "01900000-0000-7000-8000-000000000001"
    answers = [person.client.delete(f"{AUTH}/logins/{one}", headers=person.headers) for one in (theirs, nobodys, "x")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.data for answer in answers}) == 1
    assert other.client.get(f"{AUTH}/me", headers=other.headers).status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.9.1", "curl"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ("", "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_is_named_by_what_it_says(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_a_network_is_wider_than_a_home(address: str | None, network: str | None) -> None:
    assert wide_network(address) == network
