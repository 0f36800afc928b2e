"""What a page must not do: run what a model writes, or keep what a person has left behind."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice

HOSTILE = [
    "<img src=x onerror=alert(1)> after",
    "<script>alert(2)</script> after",
    "[a link](javascript:alert(3)) after",
    "<svg><animate onbegin=alert(4) attributeName=x dur=1s> after",
    "<a href='java&#10;script:alert(5)'>x</a> <iframe srcdoc='<script>alert(6)</script>'></iframe> after",
    "```html\n<img src=x onerror=alert(7)>\n```\nafter",
]
DANGEROUS = "script, iframe, object, svg animate, [onerror], [onbegin], [onload], a[href^='javascript' i], img[src='x']"


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_an_answer_is_never_run_not_even_half_written(device: MakeDevice, email: str, text: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message(f"spell:{text}@200")
    expect(desk.answer).to_contain_text("after")

    expect(desk.page.locator(".turn.assistant.streaming")).to_have_count(0)
    expect(desk.answer.locator(DANGEROUS)).to_have_count(0)
    assert desk.copy_answer() == text


def test_signing_out_leaves_nothing_behind(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("echo:secret")
    desk.assert_answer("secret")
    desk.sign_out()
    desk.reload()

    expect(desk.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(desk.page.get_by_text("secret")).to_have_count(0)


def test_signing_out_here_does_not_sign_out_elsewhere(device: MakeDevice, email: str) -> None:
    desk, phone = device(), device()
    desk.sign_up(email)
    phone.sign_in(email)
    desk.sign_out()

    phone.send_message("echo:still here")
    phone.assert_answer("still here")
