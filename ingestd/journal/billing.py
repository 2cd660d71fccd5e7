"""What was paid, as the mirror, `recover` and `audit` ask for it (rules R3, R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.journal.reading import ACCOUNT, Reading
from ingestd.journal.records import Records
from ingestd.journal.rows import FOUND_FIELDS, SEND_COLUMNS, read_send
from ingestd.journal.sql import select
from ingestd.journal.values import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.model import Send

_FOUND = ", ".join(FOUND_FIELDS)


class Billing(Records, Reading):
    """Videos and attempts, apart from the files that they are of."""

    @property
    def account(self) -> int:
        """Which of the accounts that this journal has seen is in use; the first one is 1."""
        number = self.meta(ACCOUNT, 1)
        return number if isinstance(number, int) else 1

    def send_of_key(self, key: str) -> Send | None:
        """The attempt that the mirror knows by this key."""
        row = self._db.row(select(SEND_COLUMNS, "sends", "key = ?"), (key,))
        return None if row is None else read_send(row)

    def newest_send(self) -> Send | None:
        """The attempt that began last."""
        row = self._db.row(select(SEND_COLUMNS, "sends", "true ORDER BY id DESC LIMIT 1"))
        return None if row is None else read_send(row)

    def recent_scopes(self, attempts: int) -> tuple[str, ...]:
        """The scopes of so many of the newest attempts, in the order of the alphabet."""
        rows = self._db.rows(
            "SELECT DISTINCT scope FROM (SELECT scope FROM sends ORDER BY id DESC LIMIT ?)"
            " ORDER BY scope",
            (attempts,),
        )
        return tuple(row[0] for row in rows)

    def scopes(self) -> tuple[str, ...]:
        """Every scope that a row's video is in; reads all rows."""
        rows = self._db.rows("SELECT DISTINCT scope FROM items WHERE video_no IS NOT NULL")
        return tuple(sorted(row[0] for row in rows if row[0]))

    def knows_video(self, video_no: str) -> bool:
        """Tell whether a video of the far side is a row's, or was found by `recover`."""
        query = select("1", "items", "video_no = ?")
        return bool(self._db.rows(query, (video_no,))) or self.found(video_no) is not None

    def found(self, video_no: str) -> Found | None:
        """A video that `recover` found and whose file was not seen since."""
        row = self._db.row(select(_FOUND, "found", "video_no = ?"), (video_no,))
        return None if row is None else Found(*row)

    def found_for(self, token: str, size: int, scope: str) -> tuple[Found, ...]:
        """Such videos that a file with this token and size may be, the oldest first.

        Those of which the far side did not say the size are among them; those that a row has by
        now (its own lost answer was looked for, too) are not.
        """
        query = select(
            _FOUND,
            "found",
            "token = ? AND scope = ? AND account = ? AND (size IS NULL OR size = ?)"
            " AND NOT EXISTS (SELECT 1 FROM items WHERE items.video_no = found.video_no)"
            " ORDER BY size IS NULL, created_at, video_no",
        )
        return tuple(
            Found(*row) for row in self._db.rows(query, (token, scope, self.account, size))
        )

    def all_found(self) -> Iterator[Found]:
        """Every such video."""
        return (Found(*row) for row in self._db.each(select(_FOUND, "found", "true")))

    def found_count(self) -> int:
        """How many there are."""
        return int(self._db.value("SELECT count(*) FROM found"))
