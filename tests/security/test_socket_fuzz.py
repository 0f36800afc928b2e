"""A fuzzer against a real server: frames and commands, right, nearly right and wrong; 20,000 with ZGPT_FUZZ=20000.

No socket may hang, no exception may reach the log, and memory stays bounded. The seeds are fixed.
"""

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.security.chats import Chat, chat, person
from tests.security.conftest import MakeHouse
from tests.security.fuzz_machine import SocketFuzz
from tests.security.houses import House
from tests.support.strain import MIB, memory_bytes, seconds_since, tracebacks
from tests.support.workers import workers_of

FRAMES = int(os.environ.get("ZGPT_FUZZ", "1200"))
EXAMPLES = 25
STEPS = 30
GROWTH_BYTES = 48 * MIB
LAST_S = 120.0 if FRAMES < 10_000 else 1_800.0


@pytest.fixture(scope="module")
def fuzzed(make_house: MakeHouse) -> House:
    return make_house()


@pytest.fixture(scope="module")
def known(fuzzed: House) -> Chat:
    return chat(person(fuzzed), "echo:what is asked about")


@pytest.mark.timeout(LAST_S)
def test_no_sequence_of_frames_and_commands_hangs_or_breaks_the_server(fuzzed: House, known: Chat) -> None:
    SocketFuzz.chat = known
    workers, before, begun = workers_of(fuzzed.server), memory_bytes(fuzzed.server), time.monotonic()
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for at in range(1, 1_000):
        run_state_machine_as_test(seed(at)(SocketFuzz), settings=chosen)
        if SocketFuzz.counts["frames"] >= FRAMES:
            break
    grown = memory_bytes(fuzzed.server) - before
    print(f"{dict(SocketFuzz.counts)} in {seconds_since(begun):.0f} s; memory +{grown / MIB:.1f} MB")
    assert SocketFuzz.counts["frames"] >= FRAMES
    assert SocketFuzz.counts["answered"] > 0
    assert workers_of(fuzzed.server) == workers
    assert tracebacks(fuzzed.server) == []
    assert grown < GROWTH_BYTES
