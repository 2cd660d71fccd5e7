"""Who is this file: the questions whose wrong answer would lose a file or pay for it twice.

So a damaged row is not left out here: it raises `DamagedRowError`, which concerns only the file,
the directory or the content that was asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingestd.journal.reading import ACCOUNT_IN_USE, Reading, items_where
from ingestd.journal.rows import read_item, signed, split_path
from ingestd.journal.sql import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.model import Item

#: Numbers longer than this are no ids (SQLite's integers have 63 bits).
_ID_DIGITS = 18


class Lookups(Reading):
    """Rows by what identifies them."""

    def item(self, item_id: int) -> Item | None:
        """The row of that id."""
        return self._first("id = ?", (item_id,))

    def current(self, path: str) -> Item | None:
        """The row that stands for a path now, forgotten or not."""
        return self._first("dir = ? AND name = ? AND current = 1", split_path(path))

    def find(self, ref: str) -> tuple[Item, ...]:
        """Every row that a person may mean by `ref` (interface 3, `show`).

        An id, an absolute path (superseded rows too; also where an after-action put a file), an
        upload name with or without its extension, or a video number; exact. Forgotten rows are
        found too. First the row that stands for the path now, which after a rename may be older
        than one that stood there before; then the newest.
        """
        found = {item.id: item for item in self._named(ref)}
        here = self.current(ref) if ref.startswith("/") else None
        order = sorted(found, key=lambda row: (here is not None and row == here.id, row))
        return tuple(found[item_id] for item_id in reversed(order))

    def _named(self, ref: str) -> Iterator[Item]:
        if ref.isascii() and ref.isdigit() and len(ref) <= _ID_DIGITS:
            yield from self._items("id = ?", (int(ref),))
        if ref.startswith("/"):
            yield from self._items("dir = ? AND name = ?", split_path(ref))
            yield from self._items("moved_to = ?", (os.fsencode(ref),))
        yield from self._items("video_no = ?", (ref,))
        yield from self._items("upload_name = ?", (ref,))
        # "/" follows "." in ASCII: the names that begin with `ref` and a dot.
        for item in self._items("upload_name > ? AND upload_name < ?", (f"{ref}.", f"{ref}/")):
            if (item.upload_name or "").rpartition(".")[0] == ref:
                yield item

    def by_video_no(self, video_no: str) -> Item | None:
        """The row that a video of the far side belongs to."""
        return self._first("video_no = ?", (video_no,))

    def by_inode(self, dev: int, inode: int) -> tuple[Item, ...]:
        """Current rows that were last seen as that inode: a rename or a hard link (rules R4)."""
        return self._items(
            "inode = ? AND dev = ? AND current = 1 ORDER BY id", (signed(inode), signed(dev))
        )

    def known_in(self, directory: str) -> dict[str, Item]:
        """The current rows directly in a directory, by file name; forgotten ones too."""
        place, _ = split_path(f"{directory.rstrip('/')}/-")
        rows = self._db.rows(items_where("dir = ? AND current = 1"), (place,))
        return {os.fsdecode(row[2]): read_item(row) for row in rows}

    def known_directories(self, under: str) -> Iterator[str]:
        """Each directory at or below `under` that holds current rows, one seek each.

        For noticing that a directory is gone as a whole: no scan comes by it any more.
        """
        place, _ = split_path(f"{under.rstrip('/')}/-")
        step = select("dir", "items", "dir >= ? AND dir < ? AND current = 1 ORDER BY dir LIMIT 1")
        # "0" follows "/" in ASCII: all that lies below begins with place + "/".
        for low, high in ((place, place + b"\0"), (place + b"/", place + b"0")):
            start = low
            while found := self._db.row(step, (start, high)):
                yield os.fsdecode(found[0]) or "/"
                start = found[0] + b"\0"

    def same_content(
        self, size: int, fingerprint: str, *, scope: str | None = None
    ) -> tuple[Item, ...]:
        """Rows that may be the original of a file of this size and sample, oldest first (rules R4).

        Superseded and forgotten rows are among them (their content may be paid for), rows that are
        gone, rejected or duplicates are not. With `scope` only rows of that scope and rows that
        have none yet. What another account holds is no original for the one in use (rules R3).
        """
        return self._items(
            "size = ? AND fingerprint = ? AND state NOT IN ('gone', 'rejected', 'duplicate')"
            " AND (?3 IS NULL OR scope IS NULL OR scope = ?3)"
            f" AND account = {ACCOUNT_IN_USE} ORDER BY id",
            (size, fingerprint, scope),
        )

    def ever_saw(self, size: int, fingerprint: str) -> bool:
        """Tell whether any row, of whatever state, is of a file of this size and sample."""
        query = select("1", "items", "size = ? AND fingerprint = ? LIMIT 1")
        return bool(self._db.rows(query, (size, fingerprint)))

    def duplicates_of(self, item_id: int) -> tuple[Item, ...]:
        """The living duplicates of a row, oldest first."""
        return self._items("duplicate_of = ? AND state = 'duplicate' ORDER BY id", (item_id,))

    def suspects_of(self, item_id: int) -> tuple[Item, ...]:
        """The rows that wait for this row's full hash, oldest first."""
        return self._items("suspect_of = ? ORDER BY id", (item_id,))
