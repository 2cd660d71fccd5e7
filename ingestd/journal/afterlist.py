"""What is still to be done with files whose rows need no more work: the after-actions' list."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingestd.journal.reading import Reading
from ingestd.journal.rows import AFTER_COLUMNS, read_after
from ingestd.journal.sql import places, select

if TYPE_CHECKING:
    from collections.abc import Collection

    from ingestd.model import AfterTask


class AfterTotals(NamedTuple):
    """The after-actions of one folder that are still to come."""

    waiting: int
    troubled: int  # of these, how many failed and are tried again
    trouble: str | None  # what the first of them says


class AfterList(Reading):
    """The tasks, as the commands may read them too."""

    def after_task(self, item_id: int) -> AfterTask | None:
        """What is still to be done with a row's file."""
        row = self._db.row(select(AFTER_COLUMNS, "after_tasks", "item_id = ?"), (item_id,))
        return None if row is None else read_after(row)

    def after_due(
        self, now: float, limit: int, *, without: Collection[str] = ()
    ) -> tuple[AfterTask, ...]:
        """The tasks whose time has come, the longest due first.

        Args:
            now: wall-clock time, seconds.
            limit: at most so many.
            without: folders whose tasks are left out.
        """
        query = select(
            AFTER_COLUMNS,
            "after_tasks",
            f"due_at <= ? AND folder NOT IN ({places(without)}) ORDER BY due_at, item_id LIMIT ?",
        )
        return tuple(map(read_after, self._db.rows(query, (now, *without, limit))))

    def after_next(self, after: float) -> float | None:
        """When the first task that is not yet due will be; None: there is none."""
        query = select("min(due_at)", "after_tasks", "due_at > ?")
        due: float | None = self._db.value(query, (after,))
        return due

    def after_totals(self) -> dict[str, AfterTotals]:
        """The tasks summed by folder; costs what waits."""
        query = select("folder, count(*), count(trouble), min(trouble)", "after_tasks", "true")
        rows = self._db.rows(f"{query} GROUP BY folder")
        return {row[0]: AfterTotals(*row[1:]) for row in rows}
