"""The drill of docs/RUNBOOK.md ("Restore") on a real PostgreSQL, step by step as it is written there, and timed.

`python -m tests.security.drill` fills a database, backs it up, restores it into an empty one, starts the server there
and reads an old conversation; `--messages` says how much there is. docs/RUNBOOK.md tells what it printed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.security.drill_data import Database, DurableServer
from tests.support.model_process import ModelServer
from tests.support.processes import polls, running
from tests.support.server import ROOT, Server, server_env
from tests.support.visitor import Visitor, visit

STEP_S = 900.0
ANSWER_S = 20.0
KEPT_FILES = ("jwt_keys.json", "data_secret")
WORDS = "what was said before the disaster"


@dataclass(slots=True)
class Drill:
    """What happened: seconds by step, sizes, and whether everything came back."""

    steps_s: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    database_bytes: int = 0
    dump_bytes: int = 0
    same: bool = False
    read_again: str = ""
    verdict: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done in the block."""
        begun = time.monotonic()
        yield
        self.steps_s[name] = time.monotonic() - begun

    @property
    def recovery_s(self) -> float:
        """From a dump and an empty database to a server that shows an old conversation: the RTO but for the people."""
        return sum(took_s for name, took_s in self.steps_s.items() if name != "backup")

    def __str__(self) -> str:
        sizes = f"{self.rows:,} rows, {self.database_bytes / 1e6:,.0f} MB, dump {self.dump_bytes / 1e6:,.0f} MB"
        steps = "\n".join(f"  {name:<26}{took_s:6.1f} s" for name, took_s in self.steps_s.items())
        return f"{sizes}\n{steps}\n  {'recovery in all':<26}{self.recovery_s:6.1f} s"


def run_drill(folder: Path, messages: int) -> Drill:
    """The whole of it, in a folder of its own; raises when a step fails."""
    done = Drill()
    with closing(DurableServer()) as postgres, running(ModelServer(folder)) as model:
        before = _house(folder / "before", postgres.create(), model)
        person, session_id = _fill(before, messages)
        dump = _back_up(done, postgres, before, folder)
        after = _house(folder / "after", postgres.create(), model)
        _restore(done, postgres, dump, after)
        done.same = _database(before).digests() == _database(after).digests()
        _check(done, after)
        _start(done, after, person, session_id)
    return done


def _house(folder: Path, database: str, model: ModelServer) -> Server:
    folder.mkdir()
    env = {"DATABASE_URL": database, "LLM_BASE_URL": model.url, "LLM_TITLES": "false"}
    return Server(folder, server_env(env))


def _database(house: Server) -> Database:
    return Database.of(house.env["DATABASE_URL"])


def _fill(house: Server, messages: int) -> tuple[Visitor, str]:
    """Somebody with a conversation, made by the app itself, and many others; the app has stopped."""
    _flask(house, "db", "upgrade")
    house.start()
    with closing(house):
        person = visit(house.url)
        session_id = str(person.post("/api/v1/sessions", {})["id"])
        sent = {"client_id": "01900000-0000-7000-8000-0000000000aa", "text": f"echo:{WORDS}"}
        person.post(f"/api/v1/sessions/{session_id}/messages", sent)
        for _ in polls(ANSWER_S):
            if person.messages(session_id)[-1]["text"] == WORDS:
                break
    _database(house).fill(messages)
    return person, session_id


def _back_up(done: Drill, postgres: DurableServer, house: Server, folder: Path) -> Path:
    dump = folder / "zgpt.dump"
    with done.step("backup"):
        _run(postgres.programs / "pg_dump", "--format=custom", f"--file={dump}", _database(house).url)
    done.rows = sum(count for count, _ in _database(house).digests().values())
    done.database_bytes, done.dump_bytes = _database(house).size_bytes(), dump.stat().st_size
    return dump


def _restore(done: Drill, postgres: DurableServer, dump: Path, house: Server) -> None:
    with done.step("pg_restore"):
        _run(postgres.programs / "pg_restore", "--clean", "--if-exists", f"--dbname={_database(house).url}", dump)
    for name in KEPT_FILES:
        shutil.copy2(house.folder.with_name("before") / name, house.folder / name)


def _check(done: Drill, house: Server) -> None:
    with done.step("flask db upgrade"):
        _flask(house, "db", "upgrade")
    with done.step("flask erase-again"):
        _flask(house, "erase-again")
    with done.step("flask audit verify"):
        done.verdict = _flask(house, "audit", "verify")


def _start(done: Drill, house: Server, person: Visitor, session_id: str) -> None:
    """The token from before is good for the server that was restored: its keys came back too."""
    with done.step("start, and read"):
        house.start()
        done.read_again = str(Visitor(house.url, person.token).messages(session_id)[-1]["text"])
    house.close()


def _flask(house: Server, *words: str) -> str:
    env = {**house.env, "INSTANCE_DIR": str(house.folder), "PORT": str(house.port)}
    return _run(sys.executable, "-m", "flask", *words, env=env)


def _run(*argv: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in argv], cwd=ROOT, env=env, capture_output=True, timeout=STEP_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2_000:]
    return done.stdout.decode()


def main() -> None:
    """Print the figures of one drill."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.drill", description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    with tempfile.TemporaryDirectory() as folder:
        done = run_drill(Path(folder), parser.parse_args().messages)
    print(done)
    assert done.same
    assert done.read_again == WORDS


if __name__ == "__main__":
    main()
