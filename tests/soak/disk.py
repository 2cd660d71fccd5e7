"""The disk of a soak: where everything may end between two writes, and what a power cut leaves.

SQLite itself is real. A kill leaves what was written (the page cache outlives a process). A power
cut leaves what was synced, and of what was written since then any part: the log may end anywhere,
and single sectors of its tail may be missing. What was synced follows from the `synchronous` that
is in force: FULL or EXTRA sync the log at each commit, anything less only at a checkpoint
(https://sqlite.org/pragma.html#pragma_synchronous). Appended files count as synced up to the last
`fsync` of them.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ingestd.mirror import MIRROR_NAME

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestd.journal import Journal

SECTOR = 512
APPENDED = frozenset({MIRROR_NAME, f"{MIRROR_NAME}.new"})
FULL = 2  # PRAGMA synchronous


class SoakDisk:
    """The files of one state directory."""

    def __init__(self, state_dir: Path, point: Callable[[str], None]) -> None:
        self.state_dir, self._point = state_dir, point
        self._db_file = state_dir / "journal.db"
        self._log_file = state_dir / "journal.db-wal"
        self._syncs = True
        self._synced = 0  # bytes of the log that were synced
        self._journal: Journal | None = None
        self.appended: dict[int, int] = {}  # inode of an appended file: bytes synced

    def hook(self, journal: Journal) -> Journal:
        """Put the points of a crash around every commit of this journal."""
        database: Any = journal._db
        self._syncs = database.value("PRAGMA synchronous") >= FULL
        self._synced = self._log_size()
        self._journal = journal
        real = database.transaction

        connection = database._connection

        @contextmanager
        def transaction() -> Iterator[None]:
            if database._depth:
                with real():
                    yield
                return
            before = connection.total_changes
            with real():
                yield
                if connection.total_changes != before:
                    self._point("before commit")
            if connection.total_changes != before:
                self._point("in commit")  # written, and nobody was told
                if self._syncs:
                    self._synced = self._log_size()
                self._point("after commit")

        database.transaction = transaction
        return journal

    def kill(self) -> None:
        """The process is gone; its writes are not."""
        self._leave(self._log_file.read_bytes() if self._log_file.exists() else b"")

    def cut(self, chance: random.Random) -> None:
        """The power is gone: of what was not synced any part may be missing."""
        log = self._log_file.read_bytes() if self._log_file.exists() else b""
        synced = min(self._synced, len(log))
        tail = bytearray(log[synced:][: chance.randint(0, len(log) - synced)])
        for sector in range(0, len(tail), SECTOR):
            if chance.random() < 0.1:
                tail[sector : sector + SECTOR] = bytes(len(tail[sector : sector + SECTOR]))
        self._leave(log[:synced] + bytes(tail))
        self._cut_appended(chance)

    def _leave(self, log: bytes) -> None:
        """Let go of the connection, and leave these files behind."""
        assert self._journal is not None
        pages = self._db_file.read_bytes()
        self._journal._db._connection.close()
        for name in ("journal.db-shm", "journal.db-wal"):
            (self.state_dir / name).unlink(missing_ok=True)
        self._db_file.write_bytes(pages)
        if log:
            self._log_file.write_bytes(log)
        self._journal = None

    def _log_size(self) -> int:
        try:
            return self._log_file.stat().st_size
        except FileNotFoundError:
            return 0

    # --- files that are appended to ---------------------------------------------------------------

    def sync(self, descriptor: int) -> None:
        """A file or directory is made durable here; before that everything may end, and after."""
        self._point("before sync")
        status = os.fstat(descriptor)
        self.appended[status.st_ino] = status.st_size
        self._point("after sync")

    def _cut_appended(self, chance: random.Random) -> None:
        for path in self.state_dir.rglob("*"):
            if path.name.startswith("journal.db") or not path.is_file():
                continue
            size, synced = path.stat().st_size, self.appended.get(path.stat().st_ino, 0)
            if path.name in APPENDED and size > synced:
                os.truncate(path, chance.randint(synced, size))
