"""What the server does not take now stays on the page, with the reason beside it and the time when to come again."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.conftest import MakeServer

STREAM = "count:2000@200"
POLICY = """version: 1
rules:
  - {id: house.word, category: house, action: block, applies_to: prompt, terms: [xyzzy]}
"""


def test_what_was_too_often_is_kept_and_says_when_it_goes_out(
    device: MakeDevice, server: MakeServer, email: str
) -> None:
    desk = device(server(LIMIT_MESSAGES="1 per minute"))
    desk.sign_up(email)
    desk.send_message("echo:first")
    desk.assert_answer("first")
    desk.send_message("echo:second")
    words = re.compile(r"That was too often\. Your message is kept and goes out in \d+ seconds?$")
    expect(desk.status).to_have_text(words)
    expect(desk.page.locator(".turn.user").last).to_contain_text("echo:second")


def test_one_answer_too_many_waits_for_the_end_of_another_and_goes_out_by_itself(
    device: MakeDevice, server: MakeServer, email: str
) -> None:
    desk = device(server(QUOTA_RUNS="1"))
    desk.sign_up(email)
    desk.send_message(STREAM)
    desk.assert_answering("5 6")
    desk.page.get_by_role("button", name="New chat").first.click()
    desk.send_message("echo:second")
    expect(desk.status).to_contain_text("Your message is kept and goes out in")
    desk.assert_answer("second")


def test_a_used_up_quota_keeps_the_message_over_a_reload_and_says_when_there_is_more(
    device: MakeDevice, server: MakeServer, email: str
) -> None:
    desk = device(server(QUOTA_TOKENS_PER_DAY="5"))
    desk.sign_up(email)
    desk.send_message("echo:one two three four five")
    desk.assert_answer("one two three four five")
    desk.send_message("echo:second")
    words = re.compile(
        r"Not sent: You have used up your tokens for today\. There are new ones at midnight UTC\. Possible again in \d+"
    )
    expect(desk.status).to_contain_text(words)
    desk.reload()
    expect(desk.status).to_contain_text(words)
    expect(desk.page.locator(".turn.user").last).to_contain_text("echo:second")


def test_a_message_against_the_rules_goes_back_to_the_composer_to_be_changed(
    device: MakeDevice, server: MakeServer, email: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    desk = device(server(MODERATION_POLICY=str(policy)))
    desk.sign_up(email)
    desk.send_message("echo:before")
    desk.assert_answer("before")
    desk.send_message("echo:xyzzy")
    expect(desk.status).to_contain_text("Not sent: This message goes against the rules of this service")
    desk.page.locator("zg-status-line").get_by_role("button", name="Edit", exact=True).click()
    expect(desk.composer).to_have_value("echo:xyzzy")
    expect(desk.composer).to_be_focused()
    expect(desk.page.get_by_text("Not sent")).to_have_count(0)
    desk.send_message("echo:plain")
    desk.assert_answer("plain")
