"""What the tests of the journal share: a row to start from, and a look at all columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingestd.model import Container, Item, Stat, State

if TYPE_CHECKING:
    from ingestd.journal import Journal, JournalReader

AT = 1_700_000_000.0
STAT = Stat(size=1000, mtime_ns=5 * 10**18, ctime_ns=5 * 10**18 + 1, dev=66305, inode=42)
FILE = Item(
    id=0,
    path="/srv/cards/A/clip.mp4",
    folder="cards",
    state=State.QUEUED,
    stat=STAT,
    fingerprint="ab" * 16,
    container=Container.MP4,
    codec="h264",
    duration_s=12.5,
    first_seen_at=AT,
)


def a_file(**changes: Any) -> Item:
    """A queued file with some things different."""
    return replace(FILE, **changes)


def added(journal: Journal, *, at: float = AT, **changes: Any) -> Item:
    """A row in the journal, in any state."""
    item = a_file(**changes)
    if journal.current(item.path) is not None:
        return journal.add(item, "file.seen", at)
    return journal.restore(item, "file.seen", at)


def numbered(journal: Journal, count: int, **changes: Any) -> list[Item]:
    """Rows of distinct paths."""
    return [added(journal, path=f"/srv/cards/{n:04}.mp4", **changes) for n in range(count)]


def dump(journal: JournalReader) -> list[tuple[Any, ...]]:
    """Every stored column of every row, and the history."""
    return [
        *journal._db.rows("SELECT * FROM items ORDER BY id"),
        *journal._db.rows("SELECT * FROM history ORDER BY id"),
    ]
