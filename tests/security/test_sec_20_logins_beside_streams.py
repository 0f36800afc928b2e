"""Check 20: fifty people sign in at once, and twenty answers go on streaming beside them.

What is measured: the time between two frames of text at each viewer, of one worker with bcrypt at the default cost.
What else runs on the machine delays frames too: the bound must be kept once in a few tries, since what the sign-ins
cost they cost every time. The figures of a quiet machine are in docs/SECURITY.md.
"""

import threading
import time
import uuid

import pytest

from tests.security.conftest import MakeHouse
from tests.security.houses import Browser, House
from tests.support.strain import percentile
from tests.support.viewer import Viewer

STREAMS = 20
LOGINS = 50
TOKENS, PER_S = 480, 40
P99_MS = 100.0
TRIES = 3
LAST_S = 60.0


@pytest.fixture(scope="module")
def costly(make_house: MakeHouse) -> House:
    """One worker whose passwords cost as much as they do by default."""
    return make_house(BCRYPT_COST="12", LLM_CONCURRENCY="32")


class Stream:
    """One viewer of one answer, and when each frame of text came."""

    def __init__(self, browser: Browser) -> None:
        self._viewer: Viewer = browser.viewer()
        self._viewer.connect()
        self.came_s: list[float] = []

    def read(self) -> None:
        self._viewer.ask(f"count:{TOKENS}@{PER_S}", str(uuid.uuid4()))
        for event in self._viewer.online.events(LAST_S):
            if event["type"] == "run.delta":
                self.came_s.append(time.monotonic())
            if event["type"] == "run.completed":
                break
        self._viewer.close()

    def gaps_ms(self, since_s: float, until_s: float) -> list[float]:
        """The times between frames that came in this span."""
        pairs = zip(self.came_s, self.came_s[1:], strict=False)
        return [(later - earlier) * 1_000 for earlier, later in pairs if later > since_s and earlier < until_s]


def p99_ms(made: House) -> float:
    """The 99th percentile of the gaps while the sign-ins last."""
    browser = made.browser().sign_up()
    streams = [Stream(browser) for _ in range(STREAMS)]
    readers = [threading.Thread(target=stream.read) for stream in streams]
    for reader in readers:
        reader.start()
    while any(len(stream.came_s) < 10 for stream in streams):
        # The readers are threads that stop for nothing: they can only be looked at.
        time.sleep(0.05)
    begun, ended = sign_in_all(made, browser.email)
    for reader in readers:
        reader.join(LAST_S)
    gaps = [gap for stream in streams for gap in stream.gaps_ms(begun, ended)]
    p50, p99 = percentile(gaps, 0.5), percentile(gaps, 0.99)
    print(f"{LOGINS} sign-ins in {ended - begun:.1f} s; {len(gaps)} gaps: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    assert len(gaps) > STREAMS * 20
    return p99


def sign_in_all(made: House, email: str) -> tuple[float, float]:
    """Everybody at once; when they began and when the last one was in (monotonic)."""
    entered: list[Browser] = []
    people = [threading.Thread(target=lambda: entered.append(made.browser(email).sign_in())) for _ in range(LOGINS)]
    begun = time.monotonic()
    for person in people:
        person.start()
    for person in people:
        person.join(LAST_S)
    ended = time.monotonic()
    assert len(entered) == LOGINS
    return begun, ended


@pytest.mark.timeout(300)
def test_sec_20_streams_go_on_while_fifty_people_sign_in(costly: House) -> None:
    found = p99_ms(costly)
    for _ in range(TRIES - 1):
        if found < P99_MS:
            break
        found = min(found, p99_ms(costly))
    assert found < P99_MS
