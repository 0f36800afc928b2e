"""Check 38, before it begins: a server that others reach does not start with a secret that everybody knows."""

import secrets

import pytest

from zgpt.core.config import ConfigError, load_settings

EXPOSED = {"PUBLIC_URL": "https://chat.example.org"}
WAYS = [EXPOSED, {"HOST": "0.0.0.0"}, {"HTTPS": "true"}, {"TRUSTED_PROXIES": "1"}]  # noqa: S104 - told, not bound


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "changeme-changeme-changeme-changeme"),
        ("JWT_SECRET", "your-secret-key-your-secret-key-1"),
        ("JWT_SECRET", "a" * 64),
        ("JWT_SECRET", "abcabcabcabcabcabcabcabcabcabcabcabc"),
        ("DATA_SECRET", "password1234password1234password1234"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "changeme-12345678"),
        ("DATABASE_URL", "postgresql://postgres:postgres@db/zgpt"),
        ("DATABASE_URL", "postgresql://zgpt:zgpt@db/zgpt"),
        ("DATABASE_URL", "postgresql://zgpt:changeme@db/zgpt"),
    ],
)
@pytest.mark.parametrize("how", WAYS)
def test_sec_38_a_weak_secret_is_refused_where_others_reach_us(name: str, value: str, how: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=name) as refused:
        load_settings({name: value, **how})
    assert value not in str(refused.value)


@pytest.mark.parametrize("name", ["JWT_SECRET", "DATA_SECRET", "METRICS_TOKEN"])
def test_sec_38_what_a_generator_makes_is_always_taken(name: str) -> None:
    for _ in range(300):
        load_settings({name: secrets.token_urlsafe(48), **EXPOSED})
        load_settings({name: secrets.token_hex(32), **EXPOSED})


def test_sec_38_on_a_developers_own_machine_anything_long_enough_goes() -> None:
    assert load_settings({"JWT_SECRET": "s" * 32, "METRICS_TOKEN": "x"}).jwt_secret


@pytest.mark.parametrize("how", WAYS)
def test_sec_38_cheap_password_hashes_are_refused_where_others_reach_us(how: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="BCRYPT_COST must be at least 10 where others reach the server"):
        load_settings({"BCRYPT_COST": "9", **how})
    assert load_settings({"BCRYPT_COST": "10", **how}).bcrypt_cost == 10
    assert load_settings({"BCRYPT_COST": "4"}).bcrypt_cost == 4
