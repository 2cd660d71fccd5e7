"""The journal as the daemon's loop sees it: the only place that changes rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from ingestd.errors import IllegalMoveError, JournalError, StaleMoveError
from ingestd.journal import opening
from ingestd.journal.afterbook import AfterBook
from ingestd.journal.reader import JournalReader
from ingestd.journal.rows import changed_columns, item_columns, split_path
from ingestd.journal.sql import insert, update
from ingestd.lifecycle import legal

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.model import Item, State


class Journal(JournalReader, AfterBook):
    """The writer. Only `run` makes one, and only the thread that made it may use it.

    A change is on disk when the outermost `transaction()` ends; a method that is called outside one
    opens its own. Many changes in one transaction cost little more than one.
    """

    #: The count of changes, and when the first row of each state was due then.
    _dues: tuple[int, dict[State, float | None]] = (-1, {})

    @classmethod
    def create_or_open(cls, state_dir: Path, *, fstype: str | None) -> Self:
        """Open the journal of a state directory; make, migrate and check it where needed.

        Args:
            state_dir: made with mode 0700 if it is not there.
            fstype: the file system below it as the kernel names it; None: not known.

        Raises:
            JournalError: it cannot be used; the sentence says why and what to do.
        """
        return cls(opening.create_or_open(state_dir, fstype))

    def next_due(self, state: State) -> float | None:
        """When the first row of a state is due; as `Worklist.next_due`.

        The loop asks at each step. Nobody else changes rows while the writer lives, so the answer
        holds until the writer changes something itself.
        """
        if self._dues[0] != self._db.changes:
            self._dues = (self._db.changes, {})
        known = self._dues[1]
        if state not in known:
            known[state] = super().next_due(state)
        return known[state]

    def due(
        self, state: State, now: float, limit: int, *, after: Item | None = None
    ) -> tuple[Item, ...]:
        """The rows of a state whose time has come; as `Worklist.due`."""
        first = self.next_due(state)
        if first is None or first > now:
            return ()
        return super().due(state, now, limit, after=after)

    def close(self) -> None:
        """Close so that the next start need not check the file."""
        opening.close_cleanly(self._db)

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file, as far as readers let it."""
        self._db.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def add(
        self,
        item: Item,
        event: str,
        at: float,
        detail: str | None = None,
        *,
        supersede: bool = True,
    ) -> Item:
        """Record a new row with its first line of history; `item.id` is ignored.

        Args:
            item: the row.
            event: stable dotted name of what happened.
            at: wall-clock time, seconds.
            detail: for the history.
            supersede: the row stands for its path from now on, another one no longer does. False:
                a row that stands for the path goes on doing so.

        Returns:
            The row with its id.

        Raises:
            IllegalMoveError: no file starts in that state.
            ConflictError: the database refuses it, e.g. its `video_no` belongs to another row.
        """
        if not legal(None, item.state):
            raise IllegalMoveError(f"No row can begin as {item.state} ({event}): {item.path}")
        row = replace(item, account=self.account)
        return self._insert(row, event, at, detail, supersede=supersede)

    def restore(
        self,
        item: Item,
        event: str,
        at: float,
        detail: str | None = None,
        *,
        supersede: bool = False,
    ) -> Item:
        """Record a row in whatever state evidence proves (`recover`); else like `add`.

        It does not take the path of a row that stands for it, unless it shall `supersede` it.
        """
        return self._insert(item, event, at, detail, supersede=supersede)

    def move(
        self, before: Item, after: Item, event: str, at: float, detail: str | None = None
    ) -> Item:
        """Change a row's state, with one line of history: both or neither.

        Args:
            before: the row as the journal handed it out.
            after: the row as it is to be. A new path takes it from the row that stands there.
            event: stable dotted name of what happened.
            at: wall-clock time, seconds.
            detail: for the history.

        Returns:
            `after` with its `updated_at`.

        Raises:
            StaleMoveError: the row has changed since `before` was read; nothing was written.
            IllegalMoveError: the transition table does not know this move.
        """
        if not legal(before.state, after.state):
            raise IllegalMoveError(
                f"File {before.id} cannot go from {before.state} to {after.state} ({event})."
            )
        with self.transaction():
            moved = self._update(before, after, at)
            self._step(moved.id, at, before.state, moved.state, event, detail)
        return moved

    def revise(self, before: Item, after: Item, at: float) -> Item:
        """Change a row within its state, without history: schedules, counters, a rename, a hash.

        Raises:
            StaleMoveError: the row has changed since `before` was read; nothing was written.
            IllegalMoveError: the state differs; that is a move.
        """
        if before.state is not after.state:
            raise IllegalMoveError(
                f"File {before.id}: {before.state} to {after.state} is a move and needs history."
            )
        with self.transaction():
            return self._update(before, after, at)

    def rename(self, before: Item, after: Item, at: float) -> Item:
        """Record that a row's file was seen at another path: the row stands for that path now.

        So it is even if another row took its old path meanwhile, as when files change names.

        Raises:
            StaleMoveError: the row has changed since `before` was read; nothing was written.
        """
        with self.transaction():
            self._vacate(after.path)
            row = self.revise(before, after, at)
            self._db.write("UPDATE items SET current = 1 WHERE id = ?", (row.id,))
        return row

    def note(self, item: Item, event: str, at: float, detail: str | None = None) -> None:
        """Write a line of history about something that left the state as it is."""
        with self.transaction():
            self._step(item.id, at, item.state, item.state, event, detail)

    def depart(
        self, before: Item, after: Item, event: str, at: float, detail: str | None = None
    ) -> Item:
        """Record that a file has left its path for good (an after-action), with a line of history.

        The row keeps its state and no longer stands for its path: what lies there next is another
        file, and that nothing lies there says nothing about this one.

        Raises:
            StaleMoveError: the row has changed since `before` was read; nothing was written.
        """
        with self.transaction():
            left = self.revise(before, after, at)
            self._db.write("UPDATE items SET current = NULL WHERE id = ?", (left.id,))
            self.note(left, event, at, detail)
        return left

    def _insert(
        self, item: Item, event: str, at: float, detail: str | None, *, supersede: bool
    ) -> Item:
        with self.transaction():
            stands = True
            if supersede:
                self._vacate(item.path)
            else:
                stands = self.current(item.path) is None
            columns = item_columns(item)
            columns.update(updated_at=at, current=1 if stands else None)
            written = self._db.write(insert("items", columns), tuple(columns.values()))
            row = replace(item, id=int(written.lastrowid or 0), updated_at=at)
            self._step(row.id, at, None, row.state, event, detail)
        return row

    def _update(self, before: Item, after: Item, at: float) -> Item:
        if before.id != after.id:
            raise JournalError(f"Row {before.id} cannot become row {after.id}.")
        row = replace(after, updated_at=_later(at, before.updated_at))
        if row.path != before.path and self._stands(before.id):
            self._vacate(row.path)
        columns = changed_columns(before, row)
        written = self._db.write(
            update("items", columns, "id = ? AND state = ? AND updated_at = ?"),
            (*columns.values(), before.id, before.state.value, before.updated_at),
        )
        if written.rowcount != 1:
            raise StaleMoveError(
                f"File {before.id} is no longer as it was when this was decided ({before.state}): "
                "nothing was changed."
            )
        return row

    def _stands(self, item_id: int) -> bool:
        return self._db.row("SELECT current FROM items WHERE id = ?", (item_id,)) == (1,)

    def _vacate(self, path: str) -> None:
        """Let no row stand for a path: what is recorded there next is another file."""
        self._db.write(
            "UPDATE items SET current = NULL WHERE dir = ? AND name = ? AND current = 1",
            split_path(path),
        )

    def _step(
        self,
        item_id: int,
        at: float,
        origin: State | None,
        state: State,
        event: str,
        detail: str | None,
    ) -> None:
        self._db.write(
            "INSERT INTO history (item_id, at, from_state, to_state, event, detail)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (item_id, at, origin and origin.value, state.value, event, detail),
        )


def _later(at: float, previous: float) -> float:
    """`at`, told apart from the change before: compare-and-set takes the time for the version.

    Changes of one moment count up by the smallest step; a clock that was set back is followed.
    """
    if previous - _SAME_MOMENT_S <= at <= previous:
        return math.nextafter(previous, math.inf)
    return at


_SAME_MOMENT_S = 1.0
