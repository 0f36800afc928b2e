"""A real server with the scripted model server behind it, for as long as a block. Not here: the people on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.model_process import ModelServer
from tests.support.processes import running, tail
from tests.support.server import START_TIMEOUT_S, Server, prepare_folder, server_env

SHOWN_CHARS = 200_000


@contextmanager
def served(
    folder: Path, template: Path, start_s: float = START_TIMEOUT_S, /, **settings: str
) -> Iterator[tuple[Server, ModelServer]]:
    """The server and its model; chats get no titles, unless told otherwise. The log is shown when a test fails."""
    with running(ModelServer(folder)) as model:
        prepare_folder(folder / "instance", template)
        env = {"LLM_BASE_URL": model.url, "LLM_TITLES": "false", **settings}
        server = Server(folder / "instance", server_env(env))
        try:
            server.start(start_s)
            yield server, model
        finally:
            server.close()
            print(f"--- log of {server.url}\n{tail(server.log, SHOWN_CHARS)}")
