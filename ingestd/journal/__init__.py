"""The journal: all SQL of the program and nothing else (architecture, choices 4 and 13)."""

from ingestd.journal.afterlist import AfterTotals
from ingestd.journal.faults import (
    ConflictError,
    CorruptJournalError,
    DamagedRowError,
    DiskFullError,
    JournalBusyError,
    ReadOnlyJournalError,
)
from ingestd.journal.opening import damage_of, move_aside
from ingestd.journal.reader import JournalReader
from ingestd.journal.values import Closings, Found, Selection, Tally, Totals, Usage, Wish
from ingestd.journal.wishes import add_wish
from ingestd.journal.writer import Journal

__all__ = [
    "AfterTotals",
    "Closings",
    "ConflictError",
    "CorruptJournalError",
    "DamagedRowError",
    "DiskFullError",
    "Found",
    "Journal",
    "JournalBusyError",
    "JournalReader",
    "ReadOnlyJournalError",
    "Selection",
    "Tally",
    "Totals",
    "Usage",
    "Wish",
    "add_wish",
    "damage_of",
    "move_aside",
]
