"""Writing what is recorded beside the rows: attempts, gates, usage, wishes and small facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.errors import StaleMoveError
from ingestd.journal.reading import ACCOUNT, Reading
from ingestd.journal.rows import (
    FOUND_FIELDS,
    GATE_COLUMNS,
    SEND_COLUMNS,
    gate_values,
    json_text,
    read_send,
    send_values,
)
from ingestd.journal.sql import insert, select, update

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ingestd.journal.values import Closings, Found
    from ingestd.model import Gate, GateName, Send


class Bookkeeping(Reading):
    """The changes that are no moves; each is on disk when the outermost transaction ends."""

    def transaction(self) -> AbstractContextManager[None]:
        """All changes of the block or none.

        A nested block joins: it commits with the outermost one, and undoes only itself when it
        fails and its error is caught further out.
        """
        return self._db.transaction()

    def begin_send(self, send: Send) -> Send:
        """Record that an attempt begins; `send.id` is ignored. Returns it with its id."""
        with self.transaction():
            written = self._db.write(insert("sends", _SEND_FIELDS), send_values(send))
        return replace(send, id=int(written.lastrowid or 0))

    def mark_send(self, send_id: int, at: float) -> Send:
        """Record the mark: "the last byte may go out now" (rules R1).

        Raises:
            StaleMoveError: the attempt is marked already, or ended.
        """
        with self.transaction():
            send = self._open(send_id, allowed=send_is_unmarked)
            return self._put(replace(send, marked_at=at))

    def end_send(self, send_id: int, at: float, outcome: str, sent: int | None = None) -> Send:
        """Record how an attempt ended, or what came out of an `unknown` end.

        Args:
            send_id: the attempt.
            at: wall-clock time, seconds; the first end's is kept.
            outcome: see `ingestd.model.Send`.
            sent: bytes of the body that went out; None: as recorded.

        Raises:
            StaleMoveError: the outcome is known already.
        """
        with self.transaction():
            send = self._open(send_id, allowed=send_is_undecided)
            return self._put(
                replace(
                    send,
                    ended_at=at if send.ended_at is None else send.ended_at,
                    outcome=outcome,
                    sent=send.sent if sent is None else sent,
                ),
            )

    def _open(self, send_id: int, allowed: Callable[[Send], bool]) -> Send:
        row = self._db.row(select(SEND_COLUMNS, "sends", "id = ?"), (send_id,))
        if row is None or not allowed(send := read_send(row)):
            raise StaleMoveError(
                f"Attempt {send_id} is no longer open for this: nothing was changed."
            )
        return send

    def _put(self, send: Send) -> Send:
        self._db.write(update("sends", _SEND_FIELDS, "id = ?"), (*send_values(send), send.id))
        return send

    def save_gate(self, gate: Gate) -> None:
        """Close a gate, or record how it stands now."""
        with self.transaction():
            self.remove_gate(gate.name)
            self._db.write(insert("gates", _GATE_FIELDS), gate_values(gate))

    def remove_gate(self, name: GateName) -> None:
        """Open a gate; one that is open stays so."""
        with self.transaction():
            self._db.write("DELETE FROM gates WHERE name = ?", (name.value,))

    def save_closings(self, closings: Closings) -> Closings:
        """Record how often a row closed a gate."""
        with self.transaction():
            self._db.write(
                "INSERT OR REPLACE INTO closings (item_id, times, send_id) VALUES (?, ?, ?)",
                (closings.item_id, closings.times, closings.send_id),
            )
        return closings

    def forget_closings(self, item_id: int) -> None:
        """Count a row's closings from the start."""
        if self._db.row("SELECT 1 FROM closings WHERE item_id = ?", (item_id,)) is not None:
            with self.transaction():
                self._db.write("DELETE FROM closings WHERE item_id = ?", (item_id,))

    def set_meta(self, key: str, value: object) -> None:
        """Record a small fact; `value` is what JSON can say."""
        with self.transaction():
            self._db.write("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json_text(value)))

    def add_usage(self, day: str, uploads: int, seconds: float, size: int) -> None:
        """Add to what was uploaded on a local day (YYYY-MM-DD): clips, playing time, bytes."""
        with self.transaction():
            self._db.write(
                "INSERT INTO usage (day, uploads, seconds, bytes) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (day) DO UPDATE SET uploads = uploads + excluded.uploads,"
                " seconds = seconds + excluded.seconds, bytes = bytes + excluded.bytes",
                (day, uploads, seconds, size),
            )

    def add_found(self, found: Found) -> None:
        """Keep a video that is ours and whose file was not seen (`recover`)."""
        with self.transaction():
            values = tuple(getattr(found, name) for name in FOUND_FIELDS)
            self._db.write(insert("found", FOUND_FIELDS).replace("INSERT", _REPLACING), values)

    def remove_found(self, video_no: str) -> None:
        """Its file was seen: the video belongs to a row now."""
        with self.transaction():
            self._db.write("DELETE FROM found WHERE video_no = ?", (video_no,))

    def use_account(self, number: int) -> None:
        """Go on with another account: what is not at the far side yet will go there."""
        with self.transaction():
            self.set_meta(ACCOUNT, number)
            self._db.write(
                "UPDATE items SET account = ? WHERE video_no IS NULL"
                " AND state NOT IN ('uploading', 'confirming')"
                " AND NOT (state = 'held' AND reason IS 'unconfirmed')",
                (number,),
            )

    def finish_wish(self, wish_id: int, at: float, result: object) -> None:
        """Record that a wish was acted on; the command that made it reads the result."""
        with self.transaction():
            self._db.write(
                "UPDATE wishes SET done_at = ?, result = ? WHERE id = ?",
                (at, json_text(result), wish_id),
            )

    def purge_wishes(self, before: float) -> int:
        """Remove the wishes that were done before a time; returns how many."""
        with self.transaction():
            return self._db.write("DELETE FROM wishes WHERE done_at < ?", (before,)).rowcount


_SEND_FIELDS = SEND_COLUMNS.split(", ")[1:]  # all but the id
_GATE_FIELDS = GATE_COLUMNS.split(", ")
_REPLACING = "INSERT OR REPLACE"


def send_is_unmarked(send: Send) -> bool:
    """Tell whether the mark is still to come."""
    return send.marked_at is None and send.ended_at is None


def send_is_undecided(send: Send) -> bool:
    """Tell whether an outcome may still be recorded."""
    return send.outcome in (None, "unknown")
