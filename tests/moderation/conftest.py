"""Who is asked for a second opinion, a server in a process of its own; and a policy in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.moderation.texts import POLICY
from tests.support.adviser_process import AdviserServer


@pytest.fixture(scope="session")
def adviser_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdviserServer]:
    server = AdviserServer(tmp_path_factory.mktemp("adviser"))
    yield server
    server.close()


@pytest.fixture
def policy_path(tmp_path: Path) -> Path:
    """The tests' small policy as a file."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path
