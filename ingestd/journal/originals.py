"""Which rows may hold the content of another one, or hold it for certain (rules R4).

Of preallocated files (a surveillance camera's segments) there may be thousands with one sample:
nothing here reads more of them than its answer needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestd.journal.reading import ACCOUNT_IN_USE, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.model import Item

#: Rows that are read at once.
_PAGE: Final = 50
#: They will still be read in full, by their own uploads.
_TO_BE_SENT: Final = "state IN ('queued', 'uploading', 'confirming')"
_PAID: Final = (
    f"video_no IS NOT NULL OR {_TO_BE_SENT} OR (state = 'held' AND reason = 'unconfirmed')"
)
_ALIKE: Final = (
    "size = ?1 AND fingerprint = ?2 AND id > ?3 AND id <> ?4"
    f" AND state NOT IN ('gone', 'rejected', 'duplicate') AND account = {ACCOUNT_IN_USE}"
)
#: What has ended without a video is no original; of two that wait, the older one goes first.
_COUNTS: Final = (
    "NOT (state = 'failed' AND video_no IS NULL)"
    f" AND (id < ?4 OR suspect_of IS NULL OR NOT {_TO_BE_SENT})"
)
_HERE: Final = "(?5 IS NULL OR scope IS NULL OR scope = ?5)"
_ELSEWHERE: Final = f"scope IS NOT NULL AND (?5 IS NULL OR scope <> ?5) AND ({_PAID})"
_ANY: Final = "?6 IS NULL"
_EQUAL: Final = "content_hash = ?6"
_HASHED: Final = "?6 IS NULL AND content_hash IS NOT NULL"
_UNDECIDED: Final = f"?6 IS NULL AND (content_hash IS NULL OR {_TO_BE_SENT})"


class Originals(Reading):
    """The rows that a file may be a copy of, oldest first.

    Forgotten and superseded rows are among them, for their content may be paid for; what another
    account holds is none for the one in use (rules R3). `elsewhere`: those of other scopes that
    are paid for or going to be, instead of those of the item's own scope, or of none yet. They
    are read as they are asked for; a damaged one raises `DamagedRowError`.
    """

    def originals(self, item: Item, *, elsewhere: bool = False) -> Iterator[Item]:
        """All of them."""
        return self._originals(item, _ANY, elsewhere=elsewhere)

    def equal_originals(self, item: Item, *, elsewhere: bool = False) -> Iterator[Item]:
        """Those that are known to hold the item's own bytes."""
        if item.content_hash is None:
            return iter(())
        return self._originals(item, _EQUAL, item.content_hash, elsewhere=elsewhere)

    def hashed_originals(self, item: Item, *, elsewhere: bool = False) -> Iterator[Item]:
        """Those whose bytes are known: the item's own decide whether it is a copy."""
        return self._originals(item, _HASHED, elsewhere=elsewhere)

    def undecided_originals(self, item: Item, *, elsewhere: bool = False) -> Iterator[Item]:
        """Those whose bytes are not known, or that are not sent yet: the item waits for them."""
        return self._originals(item, _UNDECIDED, elsewhere=elsewhere)

    def rivals(self, item: Item) -> Iterator[Item]:
        """Those of every scope that are to be sent, too: with one sample they share their token.

        So they are never under way together, copies that are meant to be paid for included.
        """
        return self._alike(item, f"{_COUNTS} AND {_TO_BE_SENT} AND {_ANY}", None)

    def twins(self, item: Item, content_hash: str) -> Iterator[Item]:
        """All rows of the item's scope that hold these very bytes, whether they wait or not."""
        return self._alike(item, f"{_HERE} AND {_EQUAL}", content_hash)

    def _originals(
        self, item: Item, among: str, content_hash: str | None = None, *, elsewhere: bool
    ) -> Iterator[Item]:
        where = _ELSEWHERE if elsewhere else _HERE
        return self._alike(item, f"{_COUNTS} AND {where} AND {among}", content_hash)

    def _alike(self, item: Item, narrower: str, content_hash: str | None) -> Iterator[Item]:
        if item.stat is None or item.fingerprint is None:
            return
        last = 0
        while True:
            rows = self._items(
                f"{_ALIKE} AND {narrower} ORDER BY id LIMIT {_PAGE}",
                (item.stat.size, item.fingerprint, last, item.id, item.scope, content_hash),
            )
            yield from rows
            if len(rows) < _PAGE:
                return
            last = rows[-1].id
