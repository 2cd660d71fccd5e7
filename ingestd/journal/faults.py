"""Why the journal could not do it; all of them are `JournalError` (exit code 4)."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ingestd.errors import JournalError

if TYPE_CHECKING:
    from pathlib import Path

#: How long a statement waits for another process's lock, seconds.
BUSY_TIMEOUT_S = 5.0
#: And while it is known to last: who waits has other work, such as telling people of the lock.
LOCKED_TIMEOUT_S = 0.1


class DiskFullError(JournalError):
    """The disk of the state directory has no room: the transaction left nothing behind."""


class JournalBusyError(JournalError):
    """Another process kept the journal locked for longer than the busy timeout."""


class ReadOnlyJournalError(JournalError):
    """The journal cannot be opened or written: permissions, or a read-only file system."""


class CorruptJournalError(JournalError):
    """The file is damaged or is no journal; nothing in it was changed."""


class ConflictError(JournalError):
    """The database refuses the row: a `video_no` twice, or a row that does not exist."""


class DamagedRowError(JournalError):
    """One row holds what no release writes; the others are not affected."""


def corrupt(path: Path, finding: object) -> CorruptJournalError:
    """Say that the file is damaged, and what to do about it."""
    words = " ".join(str(finding).split())
    return CorruptJournalError(
        f"The journal {path} is damaged ({words}); nothing in it was changed and nothing is sent. "
        "Stop ingestd, then: ingestd recover. It moves the journal aside, keeps it, and builds a "
        "new one from the file of what was paid and from memories.ai"
    )


def translated(error: sqlite3.Error, path: Path) -> JournalError:
    """Turn SQLite's words into a sentence for the person who must act."""
    # The low byte is the primary result code (https://sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return corrupt(path, error)
    kind, sentence = _SENTENCES.get(code, (JournalError, _OTHER))
    return kind(sentence.format(path=path, directory=path.parent, error=error))


_FULL = (
    "The disk that holds {path} is full: this was not recorded, and nothing is sent that cannot be "
    "recorded. Make room there."
)
_BUSY = (
    f"The journal {{path}} stayed locked by another process for {BUSY_TIMEOUT_S:.0f} s. End what "
    "holds it (a backup, a database tool) and try again."
)
_READ_ONLY = (
    "The journal {path} cannot be opened for this ({error}). Run the command as the owner of "
    "{directory}, and see that the disk is not mounted read-only."
)
_REFUSED = "The journal {path} refuses this row ({error})."
_DISK_ERROR = (
    "The disk that holds {path} reports an error ({error}). Nothing is sent that cannot be "
    "recorded; look at the disk and the system log."
)
_OTHER = "The journal {path} could not be used ({error})."
_SENTENCES: dict[int, tuple[type[JournalError], str]] = {
    sqlite3.SQLITE_FULL: (DiskFullError, _FULL),
    sqlite3.SQLITE_BUSY: (JournalBusyError, _BUSY),
    sqlite3.SQLITE_LOCKED: (JournalBusyError, _BUSY),
    sqlite3.SQLITE_READONLY: (ReadOnlyJournalError, _READ_ONLY),
    sqlite3.SQLITE_CANTOPEN: (ReadOnlyJournalError, _READ_ONLY),
    sqlite3.SQLITE_PERM: (ReadOnlyJournalError, _READ_ONLY),
    sqlite3.SQLITE_CONSTRAINT: (ConflictError, _REFUSED),
    sqlite3.SQLITE_IOERR: (JournalError, _DISK_ERROR),
}
