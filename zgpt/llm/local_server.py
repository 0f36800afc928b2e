"""The built-in model's own process: llama.cpp's OpenAI-compatible server on a loopback port. Started by `zgpt serve`.

    python -m zgpt.llm.local_server   (stdin: one line of JSON, {"model", "alias", "port", "key", "slots", "threads"})

The key comes on stdin because arguments can be read by other programs. Stdin stays open for as long as the parent
lives: its end is the sign to go, on every system and however the parent died.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

CONTEXT_TOKENS_PER_SLOT = 2048
BATCH_TOKENS = 128
"""Small, since reading one long prompt in large batches makes every other answer stutter."""

CACHE_RAM_MIB = 64
"""For prompts of conversations that lost their slot; llama.cpp's own default is 8 GiB."""


LOG_ERRORS = 1  # llama.cpp's level; above it, every request leaves lines


def main() -> None:
    """Serve until stdin ends."""
    config = json.loads(sys.stdin.buffer.readline())
    xllamacpp = import_module("xllamacpp")  # only now: it takes a moment
    server = xllamacpp.Server(parameters(xllamacpp.CommonParams(), config))
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # its threads may be in mid-answer, but nobody is left to read it


def parameters(out: Any, config: dict[str, Any]) -> Any:
    """Fill in llama.cpp's parameters; the reasons for the odd ones stand at the constants."""
    slots, threads = config["slots"], config["threads"]
    out.model.path = config["model"]
    out.model_alias = {config["alias"]}
    out.hostnames = ["127.0.0.1"]
    out.port = config["port"]
    out.api_keys = [config["key"]]
    out.n_parallel = slots
    out.n_ctx = CONTEXT_TOKENS_PER_SLOT * slots
    out.n_batch = out.n_ubatch = BATCH_TOKENS
    out.cache_ram_mib = CACHE_RAM_MIB
    out.cpuparams.n_threads = out.cpuparams_batch.n_threads = threads
    out.cpuparams.poll = out.cpuparams_batch.poll = 0  # waiting threads sleep: the server needs the processor
    out.n_gpu_layers = 0
    out.ui = out.endpoint_slots = out.endpoint_props = False
    out.verbosity = LOG_ERRORS
    return out


if __name__ == "__main__":
    main()
