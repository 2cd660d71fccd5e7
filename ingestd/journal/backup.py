"""The copy of the journal that is made before a migration: what was paid must survive a bad one.

It lies beside the journal, named with the schema that it has; one generation is kept. Putting it in
the journal's place is restoring a backup, which goes through `recover` (rules R8).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingestd.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.journal.connection import Database

#: What must be left beside the copy, for the migration itself; bytes.
_SPARE = 16 << 20


def back_up(database: Database, version: int) -> Path:
    """Copy a journal of an older schema, and remove the copies of others.

    Returns:
        Where the copy is.

    Raises:
        JournalError: it could not be made; the journal is as it was, and must not be migrated.
    """
    path = database.path
    copy = path.with_name(f"{path.stem}-schema-{version}{path.suffix}")
    made = copy.with_suffix(".part")
    try:
        _require_room(database, path)
        made.unlink(missing_ok=True)
        os.close(os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        database.copy_into(made)
        made.replace(copy)
        _sync(copy.parent)
    except (OSError, JournalError) as error:
        made.unlink(missing_ok=True)
        words = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise JournalError(
            f"The journal {path} is of an older ingestd (schema {version}), and the copy that is "
            f"made before it is brought up to date could not be written: {words}. Nothing was "
            "changed: make room or mend that, and start again"
        ) from error
    for old in path.parent.glob(f"{path.stem}-schema-*{path.suffix}"):
        if old != copy:
            old.unlink(missing_ok=True)
    return copy


def _require_room(database: Database, path: Path) -> None:
    """A disk that is filled to its last byte cannot even say so in the journal."""
    room = os.statvfs(path.parent)
    free = room.f_bavail * room.f_frsize
    wanted = database.size() + _SPARE
    if free < wanted:
        raise JournalError(
            f"it needs {wanted // 1_000_000} MB, and {path.parent} has {free // 1_000_000} MB free"
        )


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
