"""The app opens without a network, with what the device holds."""

from playwright.sync_api import expect

from tests.browser.conftest import MakeDevice
from tests.support.server import Server

# Resolves when the account and a conversation are kept on the device.
KEPT = """async () => {
  const count = (name) => new Promise((resolve) => {
    const open = indexedDB.open('zgpt');
    open.onsuccess = () => {
      const counted = open.result.transaction(name).objectStore(name).count();
      counted.onsuccess = () => { open.result.close(); resolve(counted.result); };
    };
  });
  while (!(await count('facts')) || !(await count('conversations'))) await new Promise((go) => setTimeout(go, 20));
  return (await navigator.serviceWorker.ready).active !== null;
}"""


def test_the_app_opens_offline_and_shows_what_was_read_before(
    device: MakeDevice, email: str, mortal_house: Server
) -> None:
    desk = device(at=mortal_house)
    desk.sign_up(email)
    desk.send_message("echo:kept for later")
    desk.assert_answer("kept for later")
    assert desk.page.evaluate(KEPT)
    desk.page.context.set_offline(True)
    mortal_house.kill9()
    desk.reload()

    expect(desk.status).to_contain_text("You are offline")
    expect(desk.answer).to_have_text("kept for later")


def test_the_app_opens_offline_for_who_signed_in_after_a_sign_out(
    device: MakeDevice, email: str, mortal_house: Server
) -> None:
    desk = device(at=mortal_house)
    desk.sign_up(email)
    desk.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    desk.sign_out()
    desk.sign_in(email)
    desk.send_message("echo:kept after all")
    desk.assert_answer("kept after all")
    assert desk.page.evaluate(KEPT)
    desk.page.context.set_offline(True)
    mortal_house.kill9()
    desk.reload()

    expect(desk.answer).to_have_text("kept after all")


def test_the_page_goes_on_when_what_it_keeps_is_cleared_under_it(device: MakeDevice, email: str) -> None:
    desk = device()
    desk.sign_up(email)
    desk.send_message("echo:before")
    desk.assert_answer("before")
    assert desk.page.evaluate(KEPT)
    browser = desk.page.context.new_cdp_session(desk.page)
    browser.send("Storage.clearDataForOrigin", {"origin": desk.url, "storageTypes": "indexeddb"})
    desk.send_message("echo:after")
    desk.assert_answer("after")
    desk.page.wait_for_function("async () => (await indexedDB.databases()).length > 0")

    assert desk.page.evaluate(KEPT)


def test_the_app_can_be_installed(device: MakeDevice) -> None:
    desk = device()
    desk.page.goto(desk.url)
    manifest = desk.page.request.get(desk.url + str(desk.page.get_attribute("link[rel=manifest]", "href"))).json()

    assert manifest["name"] == "Z-GPT"
    assert manifest["display"] == "standalone"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    for icon in manifest["icons"]:
        assert desk.page.request.get(desk.url + icon["src"]).ok
