"""One line an hour about what happened in it; none when nothing did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ingestd.model import State

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.model import Item

HOUR_S = 3600.0
#: In the order of a file's life, with people's words.
_WORDS = {
    State.QUEUED: "put in line",
    State.INDEXING: "sent",
    State.PARSED: "searchable",
    State.DUPLICATE: "known already",
    State.REJECTED: "rejected",
    State.HELD: "held",
    State.FAILED: "failed",
    State.GONE: "gone",
}


class Hourly:
    """Counts moves by the state that they led to."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._moved: Counter[State] = Counter()
        self._due: float | None = None  # monotonic
        ctx.listeners.append(self._count)

    def _count(self, before: Item | None, after: Item) -> None:
        if after.state not in _WORDS or (before is not None and before.state is after.state):
            return
        self._moved[after.state] += 1
        if self._due is None:
            self._due = self._ctx.now.mono + HOUR_S

    def tick(self) -> float | None:
        """Tell the hour that is over; returns when the next one is."""
        if self._due is None or self._ctx.now.mono < self._due:
            return self._due
        moved, self._moved, self._due = self._moved, Counter(), None
        said = ", ".join(f"{moved[state]} {word}" for state, word in _WORDS.items() if moved[state])
        waiting = self._ctx.journal.counts()[State.QUEUED]
        numbers = {state.value: moved[state] for state in _WORDS if moved[state]}
        detail = f"In the last hour: {said}. {waiting} in line."
        self._ctx.log.info("daemon.hour", detail=detail, in_line=waiting, **numbers)
        return None
