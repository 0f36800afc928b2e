"""Check 23: schemathesis against the document of the API, all its checks, as somebody, by a key, and as nobody.

Bounded and with a fixed seed. ZGPT_SCHEMATHESIS=100 makes 100 examples per operation.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.chats import api_key, chat, person
from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.support.strain import tracebacks

EXAMPLES = int(os.environ.get("ZGPT_SCHEMATHESIS", "3"))
CONFIG = Path(__file__).with_name("schemathesis.toml")
LAST_S = 90.0 if EXAMPLES < 10 else 1_800.0
SIGNING_OUT = r"logout|/logins/"
"""They end the login that is used; the key and nobody try them."""


@pytest.fixture(scope="module")
def examined(make_house: MakeHouse) -> House:
    return make_house()


def arguments(made: House, who: str) -> list[str]:
    owner = person(made)
    chat(owner)
    token = {"somebody": owner.token, "a key": api_key(owner), "nobody": ""}[who]
    return [
        *(["--header", f"Authorization: Bearer {token}"] if token else []),
        *(["--exclude-path-regex", SIGNING_OUT] if who == "somebody" else []),
        *("--max-examples", str(EXAMPLES)),
    ]


@pytest.mark.timeout(LAST_S + 60)
@pytest.mark.parametrize("who", ["somebody", "a key", "nobody"])
def test_sec_23_schemathesis_finds_nothing(examined: House, tmp_path: Path, who: str) -> None:
    argv = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{examined.server.url}/api/v1/openapi.json", "--checks", "all", "--seed", "20261122"),
        *("--continue-on-failure", "--no-shrink", "--generation-database", "none", "--warnings", "off"),
        *("--suppress-health-check", "all", "--request-timeout", "20"),
        *arguments(examined, who),
    ]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_COLOR": "1", "LANG": "C.UTF-8"}
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=LAST_S, check=False)
    print(done.stdout[-12_000:], done.stderr[-2_000:])
    found = re.search(r"(\d+) generated", done.stdout)
    assert done.returncode == 0
    assert found is not None
    assert int(found[1]) > 400
    assert tracebacks(examined.server) == []
