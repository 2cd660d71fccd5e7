"""The journal as the commands see it: read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ingestd.journal import listing, tally
from ingestd.journal.afterlist import AfterList
from ingestd.journal.billing import Billing
from ingestd.journal.lookups import Lookups
from ingestd.journal.opening import open_reader
from ingestd.journal.originals import Originals
from ingestd.journal.worklist import Worklist
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestd.journal.values import Selection, Tally, Totals
    from ingestd.model import Item


class JournalReader(Lookups, Originals, Worklist, Billing, AfterList):
    """An open journal that nothing can be written to.

    It works beside a running daemon and without one, and is used by the thread that opened it.
    Every method may raise `JournalError`.
    """

    @classmethod
    def open(cls, state_dir: Path) -> JournalReader:
        """Open the journal of a state directory.

        Raises:
            JournalError: there is none, it is of another release, or it cannot be read.
        """
        return JournalReader(open_reader(state_dir))

    def close(self) -> None:
        """Close; nothing may be asked after it."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def schema_version(self) -> int:
        """How many migrations the file has seen."""
        return int(self._db.value("PRAGMA user_version"))

    def items(self, selection: Selection) -> Iterator[Item]:
        """The selected rows by id, streamed in batches; damaged ones are left out."""
        return self._readable(listing.stream(self._db, selection))

    def count(self, selection: Selection) -> Totals:
        """What the selected rows amount to; `limit` and `newest` do not matter here."""
        return listing.count(self._db, selection)

    def tallies(self) -> tuple[Tally, ...]:
        """The listed rows by folder, state and reason, kept up to date by the database."""
        return tally.tallies(self._db)

    def counts(self) -> dict[State, int]:
        """How many rows a listing shows of every state, zeros included."""
        counts = dict.fromkeys(State, 0)
        for group in self.tallies():
            counts[group.state] += group.files
        return counts
