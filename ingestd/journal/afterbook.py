"""Writing the after-actions' list, and that a file has left its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.journal.bookkeeping import Bookkeeping
from ingestd.journal.rows import AFTER_COLUMNS, after_values
from ingestd.journal.sql import insert

if TYPE_CHECKING:
    from ingestd.model import AfterTask

_FIELDS = AFTER_COLUMNS.split(", ")


class AfterBook(Bookkeeping):
    """The changes of the list; each is on disk when the outermost transaction ends."""

    def put_after(self, task: AfterTask) -> None:
        """Plan what is to be done with a row's file, or record how it stands."""
        with self.transaction():
            self.drop_after(task.item_id)
            self._db.write(insert("after_tasks", _FIELDS), after_values(task))

    def drop_after(self, item_id: int) -> bool:
        """Remove a task: it is done, or not to be done any more. Tells whether there was one."""
        with self.transaction():
            written = self._db.write("DELETE FROM after_tasks WHERE item_id = ?", (item_id,))
        return written.rowcount > 0

    def shift_after(self, seconds: float) -> int:
        """Put off every task by so many seconds (less than 0: bring it forward), for a clock step.

        Returns:
            How many there are.
        """
        with self.transaction():
            return self._db.write("UPDATE after_tasks SET due_at = due_at + ?", (seconds,)).rowcount
