"""Who was deleted stays deleted: their ids outlive the database in a file, and are applied again after a restore.

An id alone tells nothing of anybody. The same ids stand in the log (`"kind":"account_deleted"`), which is usually kept
elsewhere: where the file was lost too, make it anew from there.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import structlog

from zgpt.auth.actions import erase_account
from zgpt.auth.signals import account_deleting
from zgpt.core.config import settings
from zgpt.core.db import Collector
from zgpt.core.ids import parse_id
from zgpt.privacy.queries import account_of

FILE_NAME = "erased_users.txt"

log = structlog.get_logger(__name__)


def erased_path() -> Path:
    """The file of the current app: an id on each line."""
    return settings().instance_dir / FILE_NAME


def read_ids(path: Path) -> Iterator[str]:
    """The ids in a file; raises ValueError for a line that is none."""
    with path.open(encoding="ascii") as file:
        yield from (parse_id(line.strip()) for line in file if line.strip())


def erase_again(user_ids: Iterable[str]) -> int:
    """Delete those of these accounts that are there; how many were."""
    found = [user_id for user_id in user_ids if account_of(user_id) is not None]
    for user_id in found:
        erase_account(user_id, by="restore")
    return len(found)


def _note(user_id: str) -> None:
    """After the commit; a full disk must not make a deletion look as if it had failed, for the log has it too."""
    try:
        with erased_path().open("a", encoding="ascii") as file:
            file.write(f"{user_id}\n")
    except OSError as error:
        log.warning("erasure_not_noted", user_id=user_id, error=str(error))


def _note_after(user_id: str, after: Collector) -> None:
    after(partial(_note, user_id))


account_deleting.connect(_note_after)
