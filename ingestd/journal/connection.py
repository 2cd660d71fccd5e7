"""One SQLite connection: its settings, its one way to open a transaction, its errors translated."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ingestd.errors import JournalError
from ingestd.journal.faults import (
    BUSY_TIMEOUT_S,
    LOCKED_TIMEOUT_S,
    CorruptJournalError,
    JournalBusyError,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: The log goes into the file when it has grown to this, and is cut back to it, bytes.
_WAL_LIMIT = 16 << 20
#: Page cache, KiB; taken as it is needed.
_CACHE_KIB = 8192

Row = tuple[Any, ...]


class Database:
    """A connection in autocommit mode; every `sqlite3.Error` leaves as a `JournalError`.

    It belongs to the thread that made it; another thread's call is refused by `sqlite3`.
    """

    def __init__(self, path: Path, query: str) -> None:
        """Open an existing file; `query` is the URI's (https://sqlite.org/uri.html)."""
        self.path = path
        #: SQLite has found the file damaged: the next start checks it.
        self.found_damage = False
        #: Counts what this connection changed or undid: what was read at one count still holds.
        self.changes = 0
        self._depth = 0
        self._locked = False  # another program kept it locked when it was last wanted
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?{query}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
            )
        except sqlite3.Error as error:
            raise translated(error, path) from error
        # A flipped bit in one text must not make every row of an answer unreadable.
        self._connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")

    def prepare_writing(self) -> None:
        """Set what a writer needs: each commit is on disk before it returns (choice 13)."""
        if self.rows("PRAGMA journal_mode = WAL") != [("wal",)]:
            raise JournalError(
                f"The file system of {self.path} cannot hold the journal (no shared memory for its "
                "write-ahead log): put state_dir on a local disk."
            )
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",  # what a savepoint keeps for undoing needs no file
            f"wal_autocheckpoint = {_WAL_LIMIT // 4096}",  # pages of 4 KiB
            f"journal_size_limit = {_WAL_LIMIT}",
            f"cache_size = -{_CACHE_KIB}",
        ):
            self.rows(f"PRAGMA {pragma}")

    def close(self) -> None:
        """Close; an open transaction is undone."""
        try:
            self._connection.close()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Every row of an answer."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except UnicodeEncodeError:
            return self.rows(sql, _storable(values))
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def each(self, sql: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of an answer one by one; the snapshot lasts until the last one is taken."""
        try:
            yield from self._connection.execute(sql, values)
        except UnicodeEncodeError:
            yield from self.each(sql, _storable(values))
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first row of an answer."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def value(self, sql: str, values: Sequence[object] = ()) -> Any:
        """The first value of an answer that always has one row."""
        return self.rows(sql, values)[0][0]

    def write(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Change something inside a transaction; the cursor knows `rowcount` and `lastrowid`."""
        self._require_transaction()
        self.changes += 1
        try:
            return self._connection.execute(sql, values)
        except UnicodeEncodeError:
            return self.write(sql, _storable(values))
        except sqlite3.Error as error:
            raise self._fault(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing.

        A nested block joins: it commits with the outermost one, and undoes only itself when it
        fails and its error is caught further out.
        """
        if self._depth:
            self._require_transaction()
        begin, end, undo = _SAVEPOINT if self._depth else _OUTERMOST
        self.rows(begin)
        self._waits_again()
        self._depth += 1
        try:
            yield
            self._require_transaction()
            self.rows(end)
        except BaseException:
            self.changes += 1
            # On a full disk SQLite may have undone everything already, savepoints included.
            if self._connection.in_transaction:
                for statement in undo:
                    self.rows(statement)
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all queries of the block see one moment; inside a transaction they do anyway."""
        if self._connection.in_transaction:
            yield
            return
        self.rows("BEGIN DEFERRED")
        try:
            yield
        finally:
            self.rows("ROLLBACK")

    def size(self) -> int:
        """How large the database is, what stands in its log included; bytes."""
        return int(self.value("PRAGMA page_count")) * int(self.value("PRAGMA page_size"))

    def copy_into(self, path: Path) -> None:
        """Copy all of it, log included, into an empty file (https://sqlite.org/backup.html)."""
        try:
            with closing(sqlite3.connect(path)) as target:
                self._connection.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")  # the copy is one file
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def run_script(self, script: str) -> None:
        """Run many statements in one transaction of their own."""
        self.changes += 1
        try:
            self._connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self.rows("ROLLBACK")
            raise self._fault(error) from error

    def _require_transaction(self) -> None:
        if not (self._depth and self._connection.in_transaction):
            raise JournalError(
                f"A change to {self.path} outside a transaction, or after it was undone, is "
                "refused: part of a change is worse than none."
            )

    def _fault(self, error: sqlite3.Error) -> JournalError:
        fault = translated(error, self.path)
        self.found_damage = self.found_damage or isinstance(fault, CorruptJournalError)
        if isinstance(fault, JournalBusyError) and not self._locked:
            self._locked = True
            self._wait_for_locks(LOCKED_TIMEOUT_S)
        return fault

    def _waits_again(self) -> None:
        """The lock is gone: the next one is waited for as at first."""
        if self._locked:
            self._locked = False
            self._wait_for_locks(BUSY_TIMEOUT_S)

    def _wait_for_locks(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


_OUTERMOST = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_SAVEPOINT = ("SAVEPOINT nested", "RELEASE nested", ("ROLLBACK TO nested", "RELEASE nested"))


def _storable(values: Sequence[object]) -> tuple[object, ...]:
    """Escape what UTF-8 cannot hold: a file name's odd bytes inside a sentence."""
    return tuple(
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in values
    )
