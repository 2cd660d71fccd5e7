"""Finding, making and checking the journal file; a file that is refused is left as it is."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ingestd.errors import JournalError
from ingestd.journal.backup import back_up
from ingestd.journal.connection import Database
from ingestd.journal.faults import CorruptJournalError, ReadOnlyJournalError, corrupt
from ingestd.journal.rows import json_text
from ingestd.journal.schema import APPLICATION_ID, MIGRATIONS, migrate
from ingestd.sharing import file_mode, group_of, share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOURNAL_NAME = "journal.db"
#: The ends of its files: SQLite's own name for the log, and for what its users share.
_PARTS = ("", "-wal", "-shm")
#: Key in `meta`: the writer closed the journal itself.
CLOSED_CLEANLY = "closed_cleanly"

#: The write-ahead log needs shared memory and locks that these cannot give (https://sqlite.org/wal.html).
_REMOTE = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"orangefs", "smb3", "smbfs", "fuse"},
)


def open_reader(state_dir: Path) -> Database:
    """Open for reading, whether or not a daemon writes.

    Raises:
        JournalError: there is none, it is of another release, or it cannot be read.
    """
    path = _existing(state_dir)
    try:
        return _known(Database(path, "mode=ro"))
    except ReadOnlyJournalError:
        # The directory cannot be written, so SQLite has no place for its shared memory. Without a
        # log beside it the file holds everything and nobody can be writing it.
        log = path.with_name(f"{JOURNAL_NAME}-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _known(Database(path, "mode=ro&immutable=1"))


def open_existing(state_dir: Path) -> Database:
    """Open for writing beside a daemon; never makes or migrates a journal.

    Raises:
        JournalError: there is none, it is of another release, or it cannot be written.
    """
    path = _existing(state_dir)
    _require_owner(path)
    database = _known(Database(path, "mode=rw"))
    with _closed_on_error(database):
        database.prepare_writing()
    return database


def create_or_open(state_dir: Path, fstype: str | None) -> Database:
    """Open the daemon's journal; make it, migrate it and check it where that is needed.

    Args:
        state_dir: made with mode 0700 if it is not there.
        fstype: the file system below it as the kernel names it; None: not known.

    Raises:
        JournalError: it cannot be used; the sentence says why and what to do.
    """
    if fstype is not None and (fstype in _REMOTE or fstype.startswith("fuse.")):
        raise JournalError(
            f"The state directory {state_dir} is on a network file system ({fstype}), where a lost "
            "connection can damage the journal: choose a local disk as state_dir."
        )
    path = state_dir / JOURNAL_NAME
    _make(path)
    version = _inspected(path)
    database = Database(path, "mode=rw")
    with _closed_on_error(database):
        database.prepare_writing()
        if 0 < version < len(MIGRATIONS):
            back_up(database, version)
        migrate(database, version)
        _record_close(database, clean=False)
    return database


def damage_of(state_dir: Path) -> str | None:
    """Look through a whole journal file; what is damaged, "" if nothing is, None: there is none.

    Raises:
        JournalError: it cannot be looked at, or a newer ingestd wrote it.
    """
    path = state_dir / JOURNAL_NAME
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        database = Database(path, "mode=ro")
        try:
            _schema_version(database)
            (finding,) = database.rows("PRAGMA quick_check(1)")[0]
        finally:
            database.close()
    except CorruptJournalError as error:
        return str(error)
    return "" if finding == "ok" else str(finding)


def move_aside(state_dir: Path, stamp: str) -> Path:
    """Give a damaged journal and its log other names, and keep them; the new name of the file."""
    target = state_dir / f"journal-damaged-{stamp}.db"
    for end in _PARTS:
        part = state_dir / f"{JOURNAL_NAME}{end}"
        if part.exists():
            part.rename(state_dir / f"{target.name}{end}")
    return target


def close_cleanly(database: Database) -> None:
    """Close the writer so that the next start need not check the file; if it can, it is told."""
    if not database.found_damage:
        with suppress(JournalError):
            _record_close(database, clean=True)
    database.close()


def _record_close(database: Database, *, clean: bool) -> None:
    with database.transaction():
        database.write(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (CLOSED_CLEANLY, json_text(clean))
        )


def _make(path: Path) -> None:
    """Create an empty file for its owner, and for a group that may look; its log gets that mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            mode = file_mode(path.parent)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
        except FileExistsError:
            _require_regular(path)
            share(*(path.with_name(f"{path.name}{end}") for end in _PARTS))
            return
        share(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)  # a journal that a power cut takes back makes every file new again
        finally:
            os.close(directory)
    except OSError as error:
        raise _unusable(path, error) from error


def _existing(state_dir: Path) -> Path:
    path = state_dir / JOURNAL_NAME
    try:
        _require_regular(path)
    except FileNotFoundError:
        raise _none_yet(state_dir) from None
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def _none_yet(state_dir: Path) -> JournalError:
    return JournalError(
        f"There is no journal in {state_dir} yet: start the daemon with: ingestd run "
        "(as a service: sudo systemctl start ingestd)"
    )


def _require_regular(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise JournalError(
            f"{path} is not a regular file. If it is a link, set state_dir to where it points; "
            "else move it away."
        )


def _require_owner(path: Path) -> None:
    """Tell a member of the group, who may look, who may act."""
    owner = path.stat().st_uid
    if owner == os.geteuid() or os.access(path, os.W_OK, effective_ids=True):
        return
    import pwd  # noqa: PLC0415 - only for this sentence

    who = "root"
    if owner:
        with suppress(KeyError):
            who = f"root and {pwd.getpwuid(owner).pw_name}"
    raise ReadOnlyJournalError(
        f"Only {who} may tell this ingestd to do something, others may look at most: nothing was "
        "changed. Say it again with sudo."
    )


def _unusable(path: Path, error: OSError) -> ReadOnlyJournalError:
    group = group_of(path.parent) if isinstance(error, PermissionError) else None
    if group:
        return ReadOnlyJournalError(
            f"The journal {path} is for root, its owner and group {group} alone. Say it again with "
            f"sudo; to be let in for looking: sudo usermod -aG {group} NAME, and log in again."
        )
    return ReadOnlyJournalError(
        f"The journal {path} cannot be used ({error.strerror}). Run the command as the owner of "
        f"{path.parent}, or choose another state_dir."
    )


def _known(database: Database) -> Database:
    """Let pass only a journal of exactly this release's schema."""
    with _closed_on_error(database):
        _require_this_schema(database)
    return database


@contextmanager
def _closed_on_error(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise


def _require_this_schema(database: Database) -> None:
    version = _schema_version(database)
    if not version and not database.value("SELECT count(*) FROM sqlite_master"):
        # the daemon is about to make it, or was stopped before it could
        raise _none_yet(database.path.parent)
    if version < len(MIGRATIONS):
        raise JournalError(
            f"The journal {database.path} is of an older ingestd: start the daemon of this release "
            "once, it brings the journal up to date. Nothing was changed."
        )


def _inspected(path: Path) -> int:
    """Read the schema's version; check the whole file if its last writer did not close it.

    Through a read-only connection, because one that may write changes the file as it closes.
    """
    if path.stat().st_size == 0:
        return 0  # fresh, or the first start was cut short before it wrote anything
    database = Database(path, "mode=ro")
    try:
        version = _schema_version(database)
        if version and not _closed_cleanly(database):
            (finding,) = database.rows("PRAGMA quick_check(1)")[0]
            if finding != "ok":
                raise corrupt(path, finding)
        return version
    finally:
        database.close()


def _schema_version(database: Database) -> int:
    application = database.value("PRAGMA application_id")
    version = int(database.value("PRAGMA user_version"))
    blank = (
        not application and not version and not database.value("SELECT count(*) FROM sqlite_master")
    )
    if application != APPLICATION_ID and not blank:
        raise CorruptJournalError(
            f"{database.path} is a database of another program and was left as it is: move it away,"
            " or choose another state_dir."
        )
    if version > len(MIGRATIONS):
        raise JournalError(
            f"The journal {database.path} was written by a newer ingestd (schema {version}, this "
            f"release knows {len(MIGRATIONS)}): use that release again; there is no way back. "
            "Nothing was changed."
        )
    return version


def _closed_cleanly(database: Database) -> bool:
    return database.row("SELECT value FROM meta WHERE key = ?", (CLOSED_CLEANLY,)) == ("true",)
