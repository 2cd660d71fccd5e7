"""What is to be done: rows by state and time.

The answers cost the same at a thousand and at a million rows. A damaged row is left out and named
in `damaged`, for one row must not stop the work on all others (rules R8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.journal.listing import stream
from ingestd.journal.reading import ACCOUNT_IN_USE, Reading, items_where
from ingestd.journal.rows import SUSPECT_OF
from ingestd.journal.sql import places, select
from ingestd.journal.values import Selection

if TYPE_CHECKING:
    from collections.abc import Collection

    from ingestd.model import Item, State


class Worklist(Reading):
    """Rows that wait for something."""

    def due(
        self, state: State, now: float, limit: int, *, after: Item | None = None
    ) -> tuple[Item, ...]:
        """The rows of a state whose time has come, the longest due first.

        A row without a time is due at once in `queued`, `indexing` and `confirming`, and never in
        the other states. A queued row that waits for a proof (`suspect_of`) is not due.

        Args:
            state: the state.
            now: wall-clock time, seconds.
            limit: at most so many rows.
            after: the last row of the page before.
        """
        query = items_where(
            "state = ? AND due_at <= ? AND (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?"
        )
        found: list[Item] = []
        last = (float("-inf"), 0) if after is None else (after.next_attempt_at or 0.0, after.id)
        while len(found) < limit:
            wanted = limit - len(found)
            rows = self._db.rows(query, (state.value, now, *last, wanted))
            found.extend(self._readable(rows))
            if len(rows) < wanted:
                break
            last = self._place(rows[-1][0])
        return tuple(found)

    def _place(self, item_id: int) -> tuple[float, int]:
        return self._db.value(select("due_at", "items", "id = ?"), (item_id,)), item_id

    def next_due(self, state: State) -> float | None:
        """When the first row of a state is due; 0.0: at once; None: nothing is scheduled."""
        query = select(
            "due_at", "items", "state = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1"
        )
        row = self._db.row(query, (state.value,))
        return None if row is None else float(row[0])

    def smallest_queued(self, now: float, *, exclude: Collection[int] = ()) -> Item | None:
        """The smallest queued file that is due: what a closed gate is probed with (rules R7)."""
        # "+" keeps the index on due_at out of it: that one would sort everything that is due.
        rows = self._db.rows(
            items_where(
                f"probe_size >= 0 AND +due_at <= ? AND id NOT IN ({places(exclude)})"
                " ORDER BY probe_size LIMIT 1"
            ),
            (now, *exclude),
        )
        return next(self._readable(rows), None)

    def in_state(self, state: State, limit: int | None = None) -> tuple[Item, ...]:
        """The rows of a state by id, forgotten and superseded ones too."""
        return tuple(
            self._readable(
                stream(self._db, Selection(states=frozenset({state}), limit=limit, hidden=True)),
            ),
        )

    def unfinished(self, since: float) -> int:
        """How many uploads accepted since then are neither searchable nor failed (rules R7)."""
        # "+" keeps the states' index out of it: few are that young, many may be unfinished
        query = "video_no IS NOT NULL AND uploaded_at > ? AND +state = 'indexing'"
        return int(self._db.value(select("count(*)", "items", query), (since,)))

    def open_sizes(self) -> dict[int, int]:
        """The sizes of uploads that are under way or looked for (rules R2), by row."""
        query = select("id, size", "items", "state IN ('uploading', 'confirming') AND size >= 0")
        return dict(self._db.rows(query))

    def unresolved_sizes(self) -> frozenset[tuple[int, int]]:
        """The sizes of uploads whose video is not known (rules R2), each with its row.

        Those too that nobody looks for any more: a lost upload may have arrived, whether its row
        waits for a person, was skipped, or was sent once more since, with another file. What was
        not found did not arrive, by the same rules.
        """
        held = "state = 'held' AND reason = 'unconfirmed' AND size >= 0"
        lost = self._db.rows(select("item_id, size", "sends", "outcome = 'unknown'"))
        waiting = self._db.rows(select("id, size", "items", held))
        return frozenset((*self.open_sizes().items(), *waiting, *lost))

    def suspects(
        self, limit: int, after: tuple[int, int] = (0, 0)
    ) -> tuple[tuple[Item, ...], tuple[int, int] | None]:
        """Rows that wait for another row's full hash, by that row and their own age.

        Those behind `after`, and where the next ones begin; None: these were the last.
        """
        rows = self._db.rows(
            items_where(
                "suspect_of IS NOT NULL AND (suspect_of, id) > (?, ?)"
                " ORDER BY suspect_of, id LIMIT ?"
            ),
            (*after, limit),
        )
        last = (rows[-1][SUSPECT_OF], rows[-1][0]) if len(rows) == limit else None
        return tuple(self._readable(rows)), last

    def last_paid(self, limit: int, *, account: int | None = None) -> tuple[Item, ...]:
        """The rows with a video number that were uploaded last, newest first (rules R3).

        Those of the account in use, or of another one that the journal has seen.
        """
        whose = ACCOUNT_IN_USE if account is None else "?2"
        rows = self._db.rows(
            items_where(
                f"video_no IS NOT NULL AND account = {whose} ORDER BY uploaded_at DESC LIMIT ?1"
            ),
            (limit,) if account is None else (limit, account),
        )
        return tuple(self._readable(rows))
