"""The fixtures of the gateway's tests."""

from tests.runs.conftest import make_chat

__all__ = ["make_chat"]
