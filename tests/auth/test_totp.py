"""Codes by time against the vectors of their RFCs."""

import pytest

from zgpt.auth import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("now_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_rfc_6238(now_s: int, code: str) -> None:
    assert totp.code_at(SECRET, now_s // 30) == code


@pytest.mark.parametrize(("late_s", "found"), [(-30, True), (0, True), (30, True), (-60, False), (60, False)])
def test_a_code_fits_one_step_around_its_own(late_s: int, found: bool) -> None:
    step = 1234567890 // 30
    code = totp.code_at(SECRET, step)
    assert totp.step_of(SECRET, code, step * 30 + late_s) == (step if found else None)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "０８１８０４", "0" * 64])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert totp.step_of(SECRET, code, 1111111109) is None


def test_an_app_reads_the_secret_from_the_link() -> None:
    uri = totp.uri_of(SECRET, "ada+x@example.org")
    assert uri.startswith("otpauth://totp/Z-GPT:ada%2Bx%40example.org?")
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Z-GPT" in uri


def _finder(rows: list[str], top: int, left: int) -> list[str]:
    return [row[left : left + 7] for row in rows[top : top + 7]]


@pytest.mark.parametrize("account", ["ada@example.org", "é" * 64 + "@" + "ü" * 189])
def test_the_qr_code_is_square_and_has_its_three_corners(account: str) -> None:
    rows = totp.squares_of(totp.uri_of(SECRET, account))
    side = len(rows)
    assert {len(row) for row in rows} == {side}
    assert {square for row in rows for square in row} == {"0", "1"}
    assert side % 4 == 1
    corner = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert [_finder(rows, *at) for at in ((0, 0), (0, side - 7), (side - 7, 0))] == [corner] * 3


def test_the_longest_e_mail_still_has_a_code() -> None:
    longest = "\N{GRINNING FACE}" * 64 + "@" + "\N{GRINNING FACE}" * 189
    rows = totp.squares_of(totp.uri_of(b"x" * totp.SECRET_BYTES, longest))
    assert len(rows) == len(rows[0]) < 177
