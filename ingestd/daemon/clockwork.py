"""What a wall clock that was set back would stall: stored times must not come a second time.

Times that survive a restart are wall-clock times. After a step back by a day, what was to happen
in five seconds would wait for a day and five seconds (field notes, service life).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.model import Item, State

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Now

#: Steps back that are smaller are left alone: clocks are slewed all day, seconds.
NOTICED_S = 2.0
#: Of the time since the last step, what a clock that is slewed may differ (500 ppm, adjtimex(2)).
SLEWED = 0.001
#: A clock that shows less was never set: 2026-01-01.
PLAUSIBLE = 1_767_225_600.0
#: No row waits for longer than its largest delay, spread by a fifth, and this, seconds.
MARGIN_S = 60.0
DAY = 86_400.0
#: Rows moved in one commit.
MOST = 500


_BACK = "The clock was set back. What would have waited for its old time was mended."
_FORWARD = "The clock was set forward, or the machine slept. What is due by now is done now."
_WRONG = (
    "The clock cannot be right: days and budgets are counted wrongly until it is set "
    "(timedatectl set-ntp true). Nothing is lost."
)


class Clockwork:
    """Notices that the clock was set back, while running or before the start, and mends it."""

    def __init__(self, ctx: Context, keeper: Gatekeeper) -> None:
        self._ctx, self._keeper = ctx, keeper
        self._last: Now | None = None

    def tick(self) -> None:
        """Compare both clocks with how they stood at the last step."""
        now, last = self._ctx.now, self._last
        self._last = now
        if last is None:
            self._begin()
            return
        passed = now.mono - last.mono
        step = now.wall - last.wall - passed
        if abs(step) <= NOTICED_S + passed * SLEWED:
            return
        if step < 0:
            self._ctx.log.warning("clock.stepped", seconds=round(step), detail=_BACK)
            self._keeper.set_back(-step)
            self._reschedule()
        else:
            self._ctx.log.info("clock.stepped", seconds=round(step), detail=_FORWARD)
            if last.wall < PLAUSIBLE:  # not a sleep: nothing has waited since 1970
                self._keeper.set_forward(step)

    def _begin(self) -> None:
        """Mend what a clock that was set back before the start would stall."""
        if self._ctx.now.wall < PLAUSIBLE:
            self._ctx.log.warning("clock.wrong", detail=_WRONG)
        self._keeper.set_back(0.0)
        self._reschedule()

    def _reschedule(self) -> None:
        """What waits for longer than it ever would is due now."""
        policy = self._ctx.policy()
        longest = {
            State.QUEUED: policy.retry_max,
            State.CONFIRMING: policy.poll_max,
            State.INDEXING: policy.poll_max,
            State.FAILED: DAY,
        }
        for state, seconds in longest.items():
            latest = Item(0, "", None, state, next_attempt_at=self._latest(seconds))
            while rows := self._ctx.journal.due(state, math.inf, MOST, after=latest):
                with self._ctx.journal.transaction():
                    for row in rows:
                        due = replace(row, next_attempt_at=self._ctx.now.wall)
                        self._ctx.journal.revise(row, due, self._ctx.now.wall)

    def _latest(self, seconds: float) -> float:
        return self._ctx.now.wall + seconds * 1.2 + MARGIN_S
