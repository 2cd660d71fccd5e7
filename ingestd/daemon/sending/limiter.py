"""The limiter with its memory in the journal: no burst after a restart either (rules R7)."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ingestd import gates

if TYPE_CHECKING:
    from ingestd.daemon.context import Context

#: Meta key of the memory.
PACE = "pace"


class Limiter:
    """Says when the next upload may start."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pace = self._before = self._kept()

    def _kept(self) -> gates.Pace:
        kept = self._ctx.journal.meta(PACE)
        return gates.Pace(**kept) if isinstance(kept, dict) else gates.Pace()

    def next_start(self) -> float:
        """When the next upload may start, wall clock."""
        self._pace = self._pace.mended(self._ctx.now.wall)
        return self._pace.next_start(self._ctx.settings.upload.per_minute, self._ctx.now.wall)

    def reserve(self) -> None:
        """An upload is being prepared: no other one starts beside it within the interval."""
        self._pace = replace(self._pace, last_start=self._ctx.now.wall)

    def release(self) -> None:
        """Nothing went out: the interval is not spent."""
        self._pace = self._kept()

    def started(self) -> None:
        """An upload starts; recorded in the transaction of its claim."""
        self._before = self._kept()
        self.reserve()
        self._ctx.journal.set_meta(PACE, asdict(self._pace))

    def unspent(self, started: float) -> None:
        """The upload that started then sent not one byte: the far side counts nothing either."""
        if self._pace.last_start == started:
            self._pace = replace(self._pace, last_start=self._before.last_start)
            self._ctx.journal.set_meta(PACE, asdict(self._pace))

    def accepted(self) -> None:
        """An upload was accepted; recorded in the transaction of its outcome."""
        self._pace = replace(self._pace, last_acceptance=self._ctx.now.wall)
        self._ctx.journal.set_meta(PACE, asdict(self._pace))
