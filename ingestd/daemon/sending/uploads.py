"""Which upload starts, and when (rules R7): the limiter, the gates, the order of the queue."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd import evidence, gates
from ingestd.daemon.asking.ours import what_is_shown
from ingestd.lifecycle.policy import grown
from ingestd.model import GateName, Item, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.budgeting import Budgeting
    from ingestd.daemon.sending.flights import Flights
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.daemon.sending.indexcap import IndexingCap

#: How long a row is left alone when it cannot go for a reason of its folder: first and at most,
#: seconds. When the folder is in order again, it is due at once.
LATER_S, LATER_MOST_S = 30.0, 1800.0
#: Rows woken in one go.
MOST = 500
#: How many due rows are looked at in one step for one that may go; more wait for the next step.
LOOK_AHEAD = 50


@dataclass(frozen=True, slots=True)
class _Wait:
    """What the next upload waits for: a word for `status`, and until when, monotonic."""

    word: str
    until: float | None = None  # None: something must happen


class Uploads:
    """The desk that starts uploads; what happens to them after that is `Flights`."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        flights: Flights,
        budget: Budgeting,
        cap: IndexingCap,
        may_go: Callable[[Item], str],
    ) -> None:
        """Take the desk; `may_go` judges a row again when it is claimed: "" or why it must wait."""
        self._ctx, self._keeper, self._flights, self._may_go = ctx, keeper, flights, may_go
        self._budget, self._cap = budget, cap
        self._more = False  # the last look ended before all that is due was seen
        self._tried: set[int] = set()  # rows that were probes of the gates that are closed now
        self.waiting_for = (
            ""  # a word for `status`: gate, check, pace, slot, reads, confirming, budget, cap
        )

    def tick(self) -> float | None:
        """Start what may start; say when to come again, monotonic; None: when something happens."""
        self.waiting_for = ""
        if self._ctx.stopping:
            return None
        self._budget.review()
        again = self._cap.review()
        while (wait := self._start_one()) is None:
            pass
        self.waiting_for = wait.word or self.waiting_for
        known = [at for at in (wait.until, again) if at is not None]
        return min(known, default=None)

    def _start_one(self) -> _Wait | None:
        """Start an upload; None: look again; else say what the next one waits for."""
        standing = self._keeper.standing()
        wait = self._no_slot(standing)
        if wait is not None:
            return wait
        item = self._next_probe() if standing.probes else self._next()
        if item is None:
            return self._nothing_goes()
        if not self._budget.allows(item):
            # its gate closed, or nobody knows yet what becomes of what is under way
            return None if self._keeper.is_closed(GateName.BUDGET) else _Wait("budget")
        rests = self._flights.preflights.rests_until(item)
        if rests is not None:
            return _Wait("reads", rests)
        self._flights.preflights.begin(item, frozenset(standing.probes))
        return None

    def _no_slot(self, standing: gates.Standing) -> _Wait | None:
        """What any upload would wait for: a gate, another upload's end, the pace."""
        if not standing.free and not standing.probes:
            until = None if standing.until is None else self._ctx.mono(standing.until)
            return _Wait("gate", until)
        if self._flights.assurance.waits:
            return _Wait("check")  # the answer that is awaited wakes
        slots = 1 if standing.probes else self._ctx.settings.upload.concurrency
        if len(self._flights) >= slots:
            return _Wait("slot")
        if not standing.probes and self._cap.is_reached(len(self._flights)):
            return _Wait("cap")  # if those under way are accepted, the far side is full
        start = self._flights.limiter.next_start()
        return _Wait("pace", self._ctx.mono(start)) if start > self._ctx.now.wall else None

    def _nothing_goes(self) -> _Wait:
        if self._more:
            return _Wait("", self._ctx.now.mono)
        self._budget.nothing_goes()
        return _Wait("", self._next_due())

    def _next_due(self) -> float | None:
        due = self._ctx.journal.next_due(State.QUEUED)
        # what is due and was not taken waits for an event: a slot, a mended root, a proof
        return None if due is None or due <= self._ctx.now.wall else self._ctx.mono(due)

    def _next(self) -> Item | None:
        """The first that may go; what waits for a folder hides nothing behind it for long."""
        self._more = False
        due = self._ctx.journal.due(State.QUEUED, self._ctx.now.wall, LOOK_AHEAD)
        if not due:
            return None
        with self._ctx.journal.transaction():
            return self._first_of(due)

    def _first_of(self, due: Sequence[Item]) -> Item | None:
        sizes = self._flights.sizes()
        for item in due:
            if item.id in self._flights:
                continue
            if not self._is_told_apart(item):
                self.waiting_for = "confirming"
                continue
            if not self._goes(item):
                self._more = len(due) == LOOK_AHEAD
                continue
            self._more = False
            size = item.stat.size if item.stat else 0
            if not gates.fits_beside(size, sizes, self._ctx.settings.upload.per_minute):
                return None  # it goes when those in flight have landed: small ones do not overtake
            return item
        return None

    def _next_probe(self) -> Item | None:
        """The smallest file, each time another one (rules R7)."""
        for _ in range(2):
            item = self._ctx.journal.smallest_queued(self._ctx.now.wall, exclude=self._tried)
            if item is not None:
                self._tried.add(item.id)
                return item if self._is_told_apart(item) and self._goes(item) else None
            self._tried.clear()
        return None

    def _is_told_apart(self, item: Item) -> bool:
        """Tell whether a lost answer of this upload could be told from those of the open ones."""
        shown = what_is_shown(self._ctx)
        if shown.names is not False:
            return True
        sizes = [*self._ctx.journal.open_sizes().values(), *self._flights.sizes()]
        return evidence.tells_apart(item.stat.size if item.stat else 0, sizes, shown)

    def _goes(self, item: Item) -> bool:
        why = self._may_go(item) or self._budget.too_long(item)
        if not why:
            return True
        current = self._ctx.journal.item(item.id)
        if current is not None and current.state is State.QUEUED:
            wall, delay = self._ctx.now.wall, grown(current.delay, LATER_S, LATER_MOST_S)
            later = replace(current, delay=delay, next_attempt_at=wall + delay, detail=why)
            self._ctx.journal.revise(current, later, wall)
        return False

    def wake(self, folder: str) -> None:
        """A folder is in order again: what was put off for it is due now."""
        wall, journal = self._ctx.now.wall, self._ctx.journal
        last = Item(0, "", None, State.QUEUED, next_attempt_at=wall)
        with journal.transaction():
            while page := journal.due(State.QUEUED, math.inf, MOST, after=last):
                for item in page:
                    if item.folder == folder:
                        journal.revise(item, replace(item, next_attempt_at=wall, delay=0.0), wall)
                last = page[-1]
