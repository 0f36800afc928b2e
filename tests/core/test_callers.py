"""Who sent a request."""

import pytest
from flask import Flask

from zgpt.core import callers


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "unknown"),
        (None, "unknown"),
        ("unix:/run/x", "unknown"),
    ],
)
def test_a_subscriber_is_an_ipv4_address_or_an_ipv6_network(address: str | None, network: str) -> None:
    assert callers.network(address) == network


def test_outside_of_a_request_there_is_nobody() -> None:
    assert (callers.user_id(), callers.address()) == (None, None)


def test_a_user_is_remembered_for_one_request_only() -> None:
    app = Flask("x")
    with app.test_request_context():
        callers.remember_user("ada")
        assert callers.user_id() == "ada"
    with app.test_request_context():
        assert callers.user_id() is None
