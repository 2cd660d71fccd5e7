"""The lane in which the far side is asked: one question at a time, at its pace.

The desks that ask share it, and one memory of when each row was last answered: only time between
two answered questions counts (rules R2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.model import GateName, State
from ingestd.remote.contract import Refusal, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper

LANE = "ask"
#: Shortest and longest pause of all questions after a 0429 on one of them, seconds.
SLOW_MIN_S, SLOW_MAX_S = 2.0, 300.0
#: A row that is due and cannot be read hides when the next one is: looked again after seconds.
UNREADABLE_S = 60.0
#: A question answered longer ago than this says nothing about the time between, seconds.
LONGEST_STRETCH_S = 900.0


class Stretches:
    """Monotonic time between answered questions, per row."""

    def __init__(self) -> None:
        self._answered: dict[int, float] = {}

    def spent(self, item_id: int, mono: float) -> float:
        """Count the time since the last answer; an outage or a pause in between counts nothing."""
        before = self._answered.get(item_id)
        self._answered[item_id] = mono
        return 0.0 if before is None else min(mono - before, LONGEST_STRETCH_S)

    def broke(self, item_id: int) -> None:
        """A question went unanswered: the stretch ends."""
        self._answered.pop(item_id, None)


class Asking:
    """What the two desks below share: the lane, the pause after a 0429, the stretches."""

    def __init__(self, ctx: Context, keeper: Gatekeeper) -> None:
        self.ctx, self.keeper = ctx, keeper
        self.stretches = Stretches()
        self.pause_until = 0.0  # monotonic
        self.may_ask: Callable[[], bool] = lambda: True  # is the key of the account that we know?
        self.keys = 0  # of the keys that were in use, the last one: an answer to another counts not
        self._pause = 0.0

    def rests_until(self) -> float | None:
        """Until when nothing is asked, monotonic; None: questions may be asked now.

        An answer that cannot be written down is asked for in vain: a full disk stops this too.
        """
        until = self.pause_until
        if not self.may_ask():  # an answer about a video says nothing; what changes that wakes
            until = max(until, self.ctx.now.mono + UNREADABLE_S)
        full = self.keeper.closed_until(GateName.DISK_FULL)
        if full is not None:
            until = max(until, self.ctx.mono(full))
        return until if until > self.ctx.now.mono else None

    def failed(self, trouble: Trouble, item_ids: list[int]) -> None:
        """A question brought no answer: note what it says about the account and the pace."""
        for item_id in item_ids:
            self.stretches.broke(item_id)
        if trouble.kind is Refusal.RATE:
            self._pause = min(SLOW_MAX_S, max(SLOW_MIN_S, self._pause * 2))
            wait = max(self._pause, trouble.retry_after or 0.0)
            self.pause_until = self.ctx.now.mono + wait
            self.ctx.log.warning("api.slowed", seconds=wait, detail=trouble.text)
        else:
            self.keeper.trouble(trouble)

    def next_due(self, *states: State) -> float | None:
        """When a row of these states is due, monotonic; to be asked if nothing is due now."""
        dues = (self.ctx.journal.next_due(state) for state in states)
        due = min((due for due in dues if due is not None), default=None)
        if due is None:
            return None
        if due <= self.ctx.now.wall:  # a damaged row, which nobody can ask about
            return self.ctx.now.mono + UNREADABLE_S
        return self.ctx.mono(due)

    def answered(self) -> None:
        """A question was answered."""
        self._pause = 0.0
        self.keeper.answered()
