"""What the tests of accounts share."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from flask import Flask

from tests.auth.recorder import Recorder
from tests.support.mail_server import MailServer


@pytest.fixture
def recorder(app: Flask) -> Recorder:
    """What the app tells its sockets, written down."""
    return Recorder(app)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Certificate and key of 127.0.0.1, by an authority that this process trusts."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return tmp_path / "cert.pem", tmp_path / "key.pem"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[MailServer]]:
    made: list[MailServer] = []
    yield made
    for server in made:
        server.close()
    gc.collect()
