"""What the tests of accounts share."""

import pytest
from flask import Flask

from tests.auth.recorder import Recorder


@pytest.fixture
def recorder(app: Flask) -> Recorder:
    """What the app tells its sockets, written down."""
    return Recorder(app)
