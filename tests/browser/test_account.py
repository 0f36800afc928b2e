"""The account in the web app: every way in, and what its dialog does, with a real server, codes and letters."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.auth.factors import Phone
from tests.browser.conftest import MakeDevice
from tests.support.device import Device
from tests.support.mail_server import MailServer, link_in
from tests.support.model_process import ModelServer
from tests.support.people import PASSWORD
from tests.support.processes import free_port, running
from tests.support.server import Server, prepare_folder, server_env

OTHER = "another correct horse battery"
UNNAMED = """(dialog) => [...dialog.querySelectorAll('button, input, select, progress')]
  .filter((each) => !each.getAttribute('aria-label') && !each.labels?.[0]?.textContent && !each.textContent.trim())
  .map((each) => each.outerHTML)"""

# The middle of each square inside the quiet zone of four, as the screen shows it: dark is 1.
SQUARES = """(canvas) => {
  const pixels = 8;
  const pen = canvas.getContext('2d');
  const darkAt = (x, y) => (pen.getImageData((x + 4.5) * pixels, (y + 4.5) * pixels, 1, 1).data[0] < 128 ? '1' : '0');
  const places = [...Array(canvas.width / pixels - 8).keys()];
  return places.map((y) => places.map((x) => darkAt(x, y)).join(''));
}"""


@pytest.fixture
def desk(device: MakeDevice) -> Device:
    """A device whose policy violations count as complaints."""
    return _strict(device())


@pytest.fixture
def mail_house(tmp_path: Path, sqlite_template: Path, model_server: ModelServer, mail: MailServer) -> Iterator[Server]:
    """A server that sends letters, with links to itself."""
    port = free_port()
    env = {"SMTP_URL": mail.url, "MAIL_FROM": "zgpt@example.org", "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    prepare_folder(tmp_path / "house", sqlite_template)
    with running(Server(tmp_path / "house", server_env({**env, "LLM_BASE_URL": model_server.url}), port=port)) as made:
        yield made


def _strict(desk: Device) -> Device:
    heard = desk.faults
    desk.page.on("console", lambda said: heard.append(said.text) if "Security Policy" in said.text else None)
    return desk


def _press(place: Locator, name: str) -> None:
    place.get_by_role("button", name=name, exact=True).click()


def _account(desk: Device, section: str) -> Locator:
    desk.page.locator("button.account").click()
    desk.page.get_by_role("menuitem", name="Account", exact=True).click()
    dialog = desk.page.get_by_role("dialog", name="Account", exact=True)
    _press(dialog, section)
    return dialog


def _close(desk: Device) -> None:
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator(".account-dialog")).to_have_count(0)


def _card(desk: Device, email: str, password: str = PASSWORD) -> Locator:
    """Give e-mail and password; what the card is then."""
    desk.page.get_by_label("Email", exact=True).fill(email)
    desk.page.get_by_label("Password", exact=True).fill(password)
    _press(desk.page.locator(".card"), "Sign in")
    return desk.page.locator(".card")


def _turn_on(desk: Device) -> tuple[Phone, list[str]]:
    dialog = _account(desk, "Second factor")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    _press(dialog, "Set it up")
    phone = Phone(dialog.locator(".secret").inner_text().replace(" ", ""))
    dialog.get_by_label("Code of the app", exact=True).fill(phone.code())
    _press(dialog, "Turn it on")
    codes = dialog.locator(".once-lines code")
    expect(codes).to_have_count(10)
    found = codes.all_inner_texts()
    with desk.page.expect_download() as download:
        _press(dialog, "Save as a file")
    assert Path(download.value.path()).read_text().split() == found
    _press(dialog, "I have kept it")
    expect(dialog.get_by_text("10 recovery codes are left")).to_be_visible()
    expect(codes).to_have_count(0)
    _close(desk)
    return phone, found


def test_the_second_factor_is_asked_for_at_sign_in_and_goes_off_again(desk: Device, email: str) -> None:
    desk.sign_up(email)
    phone, codes = _turn_on(desk)
    desk.sign_out()
    card = _card(desk, email)
    card.get_by_label("Code", exact=True).fill("not it")
    _press(card, "Sign in")
    expect(card.locator(".field-fault")).to_contain_text("The code is not right")
    card.get_by_label("Code", exact=True).fill(phone.code(1))
    _press(card, "Sign in")
    expect(desk.composer).to_be_visible()
    desk.sign_out()
    card = _card(desk, email)
    _press(card, "Use a recovery code")
    card.get_by_label("Recovery code", exact=True).fill(codes[0].upper())
    _press(card, "Sign in")
    expect(desk.composer).to_be_visible()
    dialog = _account(desk, "Second factor")
    expect(dialog.get_by_text("9 recovery codes are left")).to_be_visible()
    _press(dialog, "Turn it off")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_label("Code of the app, or a recovery code").fill(codes[1])
    _press(dialog, "Turn it off")
    expect(dialog.get_by_text("The second factor is off")).to_be_visible()
    _close(desk)
    desk.sign_out()
    desk.sign_in(email)


def test_the_qr_code_on_the_page_is_the_one_that_the_server_made(desk: Device, email: str) -> None:
    desk.sign_up(email)
    dialog = _account(desk, "Second factor")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    with desk.page.expect_response(lambda answer: answer.url.endswith("/second-factor")) as begun:
        _press(dialog, "Set it up")
    code = dialog.get_by_role("img", name="QR code")
    expect(code).to_be_visible()

    drawn = code.evaluate(SQUARES)
    assert drawn == begun.value.json()["squares"]


def test_one_can_go_back_from_the_code_and_gives_the_password_again(desk: Device, email: str) -> None:
    desk.sign_up(email)
    _turn_on(desk)
    desk.sign_out()
    _press(_card(desk, email), "Back to sign in")
    expect(desk.page.get_by_label("Email", exact=True)).to_have_value(email)
    expect(desk.page.get_by_label("Password", exact=True)).to_have_value("")
    expect(_card(desk, email, "wrong password").locator(".field-fault").last).to_contain_text("not right")


def test_without_mail_no_letter_is_offered(desk: Device) -> None:
    desk.page.goto(desk.url)
    expect(desk.page.get_by_role("button", name="New here?")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Forgotten password?")).to_be_hidden()


def test_letters_make_an_account_bring_a_password_and_move_the_email(
    device: MakeDevice, mail_house: Server, mail: MailServer, email: str
) -> None:
    desk = _strict(device(mail_house))
    page = desk.page
    page.goto(desk.url)
    page.get_by_role("button", name="New here?").click()
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    _press(page.locator(".card"), "Make account")
    expect(page.get_by_text(f"A letter is on its way to {email}")).to_be_visible()
    page.goto(link_in(mail.wait_for(email)))
    _press(page.locator(".card"), "Make my account")
    expect(desk.composer).to_be_visible()
    assert page.url == f"{desk.url}/"

    desk.sign_out()
    _press(page.locator(".card"), "Forgotten password?")
    expect(page.get_by_role("heading", name="Forgotten password")).to_be_visible()
    page.get_by_label("Email", exact=True).fill(email)
    _press(page.locator(".card"), "Send the link")
    expect(page.get_by_text(f"If there is an account with {email}")).to_be_visible()
    link = link_in(mail.wait_for(email, 2))
    page.goto(link)
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    assert "#" not in page.url
    page.get_by_label("New password", exact=True).fill("password")
    _press(page.locator(".card"), "Set the password")
    expect(page.locator(".field-fault")).to_contain_text("The new password is among the first that are tried")
    page.get_by_label("New password", exact=True).fill(OTHER)
    _press(page.locator(".card"), "Set the password")
    expect(page.get_by_text("Your password is changed. Sign in with it.")).to_be_visible()
    _card(desk, email, OTHER)
    expect(desk.composer).to_be_visible()

    dialog = _account(desk, "Email")
    dialog.get_by_label("New email", exact=True).fill(f"new.{email}")
    dialog.get_by_label("Password", exact=True).fill(OTHER)
    _press(dialog, "Send the link")
    expect(dialog.get_by_text(f"Look into the mail of new.{email}")).to_be_visible()
    page.goto(link_in(mail.wait_for(f"new.{email}")))
    _press(page.locator(".card"), "Use this e-mail")
    expect(page.locator(".account-name")).to_have_text(f"new.{email}")

    page.goto("about:blank")
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(OTHER)
    _press(page.locator(".card"), "Set the password")
    expect(page.locator(".form-fault")).to_contain_text("This link was used already")
    _press(page.locator(".card"), "Not now")
    expect(desk.composer).to_be_visible()


def test_a_device_is_signed_out_from_another(desk: Device, device: MakeDevice, email: str) -> None:
    desk.sign_up(email)
    others = [device(), device()]
    for other in others:
        other.sign_in(email)
    dialog = _account(desk, "Devices")
    expect(dialog.locator(".entry")).to_have_count(3)
    expect(dialog.locator(".entry").filter(has_text="This device")).to_have_count(1)
    _press(dialog, "Sign out all other devices")
    expect(dialog.locator(".entry")).to_have_count(1)
    for other in others:
        expect(other.page.get_by_text("Your sign-in has ended")).to_be_visible()


def test_another_password_keeps_this_device_and_ends_the_others(desk: Device, device: MakeDevice, email: str) -> None:
    desk.sign_up(email)
    other = device()
    other.sign_in(email)
    dialog = _account(desk, "Password")
    for current, fault in (("wrong password", "not right"), (PASSWORD, "")):
        dialog.get_by_label("Current password", exact=True).fill(current)
        dialog.get_by_label("New password", exact=True).fill(OTHER)
        _press(dialog, "Change the password")
        if fault:
            expect(dialog.locator(".field-fault").first).to_contain_text(fault)
    expect(dialog.get_by_text("Your password is changed.")).to_be_visible()
    expect(other.page.get_by_text("Your sign-in has ended")).to_be_visible()
    _close(desk)
    desk.send_message("echo:still here")
    desk.assert_answer("still here")


def test_a_key_is_shown_once_works_and_ends(desk: Device, email: str) -> None:
    desk.sign_up(email)
    dialog = _account(desk, "API keys")
    dialog.get_by_label("Name", exact=True).fill("laptop")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    _press(dialog, "Make a key")
    key = dialog.locator(".once code").inner_text()
    ask = {"Authorization": f"Bearer {key}"}
    assert desk.page.request.get(f"{desk.url}/api/v1/sessions", headers=ask).status == 200
    _press(dialog, "I have kept it")
    expect(dialog.get_by_text(key)).to_have_count(0)
    _press(dialog, "Revoke laptop")
    _press(desk.page.get_by_role("dialog", name="Revoke this key?"), "Revoke")
    expect(dialog.get_by_text("There are none.")).to_be_visible()
    assert desk.page.request.get(f"{desk.url}/api/v1/sessions", headers=ask).status == 401


def test_what_is_kept_of_a_person_can_be_saved_and_then_be_gone(desk: Device, email: str) -> None:
    desk.sign_up(email)
    desk.send_message("echo:canary")
    desk.assert_answer("canary")
    dialog = _account(desk, "Your data")
    for button, start in (("Save as JSON", "{"), ("Save as Markdown", "# ")):
        with desk.page.expect_download() as download:
            _press(dialog, button)
        text = Path(download.value.path()).read_text()
        assert text.startswith(start)
        assert "canary" in text
    for password in ("wrong password", PASSWORD):
        dialog.get_by_label("Password", exact=True).fill(password)
        _press(dialog, "Delete my account")
        if password != PASSWORD:
            expect(dialog.locator(".field-fault")).to_contain_text("not right")
    expect(desk.page.get_by_text("Your account is deleted.")).to_be_visible()
    expect(_card(desk, email).locator(".field-fault").last).to_contain_text("not right")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_dialog_is_named_fits_and_gives_the_focus_back(desk: Device, email: str, width: int) -> None:
    desk.sign_up(email)
    desk.page.set_viewport_size({"width": width, "height": 844})
    if width < 800:
        _press(desk.page.locator(".conversation-head"), "Open the list of chats")
    for section in ("Usage", "Devices", "Password", "Second factor", "Email", "API keys", "Your data"):
        dialog = _account(desk, section)
        expect(dialog.get_by_role("heading", level=3)).to_have_text(section)
        assert dialog.evaluate(UNNAMED) == []
        assert dialog.evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
        place = dialog.locator(".account-section")
        assert place.evaluate("(place) => place.scrollWidth <= place.clientWidth")
        _close(desk)
        expect(desk.page.locator("button.account")).to_be_focused()
