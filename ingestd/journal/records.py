"""What is recorded beside the rows: history, attempts, gates, usage, wishes and small facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingestd.journal.reading import Reading, batches
from ingestd.journal.rows import (
    GATE_COLUMNS,
    SEND_COLUMNS,
    STEP_COLUMNS,
    USAGE_COLUMNS,
    WISH_COLUMNS,
    read_gate,
    read_send,
    read_step,
    read_wish,
)
from ingestd.journal.sql import places, select
from ingestd.journal.values import Closings, Usage, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.model import Gate, Send, Step


class Records(Reading):
    """Everything but the rows themselves."""

    def history(self, item_id: int) -> tuple[Step, ...]:
        """What happened to a row, oldest first."""
        query = select(STEP_COLUMNS, "history", "item_id = ? ORDER BY id")
        return tuple(read_step(row) for row in self._db.rows(query, (item_id,)))

    def sends(self, item_id: int) -> tuple[Send, ...]:
        """The attempts of a row, oldest first."""
        return self.sends_of((item_id,))[item_id]

    def sends_of(self, ids: Iterable[int]) -> dict[int, tuple[Send, ...]]:
        """The attempts of many rows, oldest first; every id that was asked for is a key."""
        found: dict[int, list[Send]] = {item_id: [] for item_id in ids}
        for batch in batches(found):
            query = select(SEND_COLUMNS, "sends", f"item_id IN ({places(batch)}) ORDER BY id")
            for send in map(read_send, self._db.rows(query, batch)):
                found[send.item_id].append(send)
        return {item_id: tuple(sends) for item_id, sends in found.items()}

    def open_sends(self) -> tuple[Send, ...]:
        """Attempts without an end: at a start, those that a crash cut off (rules R1)."""
        query = select(SEND_COLUMNS, "sends", "ended_at IS NULL ORDER BY id")
        return tuple(read_send(row) for row in self._db.rows(query))

    def last_send(self, item_id: int) -> Send | None:
        """The latest attempt of a row."""
        query = select(SEND_COLUMNS, "sends", "item_id = ? ORDER BY id DESC LIMIT 1")
        row = self._db.row(query, (item_id,))
        return None if row is None else read_send(row)

    def closings(self, item_id: int) -> Closings | None:
        """How often a row closed a gate; None: never, as far as it counts."""
        row = self._db.row(select("item_id, times, send_id", "closings", "item_id = ?"), (item_id,))
        return None if row is None else Closings(*row)

    def passed_since(self, send_id: int, *, besides: int) -> tuple[int, int]:
        """How many attempts of other rows, later than that one, were accepted and refused."""
        tail = "id > ? AND item_id <> ? AND outcome IN ('accepted', 'refused') GROUP BY outcome"
        counts: dict[str, int] = dict(
            self._db.rows(select("outcome, count(*)", "sends", tail), (send_id, besides))
        )
        return counts.get("accepted", 0), counts.get("refused", 0)

    def gates(self) -> tuple[Gate, ...]:
        """The closed gates, the longest closed first."""
        query = select(GATE_COLUMNS, "gates", "true ORDER BY since, name")
        return tuple(read_gate(row) for row in self._db.rows(query))

    def meta(self, key: str, default: object = None) -> object:
        """A small fact that `set_meta` recorded, as JSON gives it back."""
        row = self._db.row(select("value", "meta", "key = ?"), (key,))
        return default if row is None else json.loads(row[0])

    def usage(self, since_day: str) -> tuple[Usage, ...]:
        """What was uploaded on that local day (YYYY-MM-DD) and each later one."""
        query = select(USAGE_COLUMNS, "usage", "day >= ? ORDER BY day")
        return tuple(Usage(*row) for row in self._db.rows(query, (since_day,)))

    def wish(self, wish_id: int) -> Wish | None:
        """A wish and, once it was acted on, its result; None: purged or never made."""
        row = self._db.row(select(WISH_COLUMNS, "wishes", "id = ?"), (wish_id,))
        return None if row is None else read_wish(row)

    def pending_wishes(self) -> tuple[Wish, ...]:
        """The wishes that were not acted on yet, oldest first."""
        query = select(WISH_COLUMNS, "wishes", "done_at IS NULL ORDER BY id")
        return tuple(read_wish(row) for row in self._db.rows(query))

    def last_change(self) -> float | None:
        """When a row changed last, wall-clock seconds; None: there are no rows."""
        changed: float | None = self._db.value("SELECT max(updated_at) FROM items")
        return changed
