"""What is typed and not sent belongs to its chat, however one comes and goes."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice


def test_each_chat_keeps_its_draft_over_back_and_forward(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("echo:first")
    desk.assert_answer("first")
    expect(desk.page).to_have_url(re.compile("/s/"))
    desk.composer.fill("draft of the first chat")
    desk.page.get_by_role("button", name="New chat").first.click()
    expect(desk.composer).to_have_value("")
    desk.composer.fill("draft of a new chat")
    desk.page.go_back()
    expect(desk.composer).to_have_value("draft of the first chat")
    desk.page.go_forward()
    expect(desk.composer).to_have_value("draft of a new chat")
    desk.page.go_back()

    expect(desk.composer).to_have_value("draft of the first chat")
    expect(desk.answer).to_have_text("first")


def test_a_draft_that_is_begun_while_the_chat_is_made_stays(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("count:200@100")
    desk.composer.fill("the next question")
    expect(desk.page).to_have_url(re.compile("/s/"))
    desk.assert_answering("20 21")

    expect(desk.composer).to_have_value("the next question")
