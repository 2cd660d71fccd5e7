"""What all parts of the journal's reading face share: a connection, care with damaged rows."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ingestd.journal.faults import DamagedRowError
from ingestd.journal.rows import ITEM_COLUMNS, read_item
from ingestd.journal.sql import select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ingestd.journal.connection import Database, Row
    from ingestd.model import Item

#: Meta key: which of the accounts that this journal has seen is in use; the first one is 1.
ACCOUNT = "account"
#: Meta key: the highest number that an account was given.
HIGHEST = "accounts"
#: The same inside a statement.
ACCOUNT_IN_USE = "CAST(ifnull((SELECT value FROM meta WHERE key = 'account'), 1) AS INTEGER)"
#: Rows of one statement; before 3.32 SQLite allows 999 placeholders.
_BATCH = 500


class Reading:
    """A journal that is open."""

    def __init__(self, database: Database) -> None:
        self._db = database
        #: Rows that work lists and listings left out because they cannot be read: why, by id.
        self.damaged: dict[int, str] = {}

    def _items(self, tail: str, values: Sequence[object] = ()) -> tuple[Item, ...]:
        """The rows that a WHERE (and more) names; a damaged one raises `DamagedRowError`."""
        return tuple(read_item(row) for row in self._db.rows(items_where(tail), values))

    def _first(self, tail: str, values: Sequence[object] = ()) -> Item | None:
        found = self._items(tail, values)
        return found[0] if found else None

    def _readable(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The rows that can be read; a damaged one must not stop the others (rules R8)."""
        for row in rows:
            try:
                yield read_item(row)
            except DamagedRowError as error:
                self.damaged[row[0]] = str(error)


def items_where(tail: str) -> str:
    """The query for whole rows; every value stands in `tail` as a placeholder."""
    return select(ITEM_COLUMNS, "items", tail)


def batches(ids: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """Portions that fit into one statement."""
    rest = iter(ids)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch
