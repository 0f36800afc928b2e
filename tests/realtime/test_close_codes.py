"""Which close codes may be sent, and what they tell a client."""

import pytest

from zgpt.realtime import close_codes


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4000, 4999])
def test_codes_of_the_registry_and_of_applications_may_be_sent(code: int) -> None:
    assert close_codes.is_sendable(code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_reserved_codes_may_not_be_sent(code: int) -> None:
    assert not close_codes.is_sendable(code)


def test_only_the_upper_half_of_our_own_codes_is_final() -> None:
    assert close_codes.is_final(close_codes.LOGIN_ENDED)
    assert not close_codes.is_final(close_codes.AUTH_EXPIRED)
    assert not close_codes.is_final(5000)


def test_a_metric_names_known_codes_and_lumps_the_others() -> None:
    assert close_codes.label(4001) == "4001"
    assert close_codes.label(3123) == "other"
