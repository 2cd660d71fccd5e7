"""The grace before an after-action, kept whatever the wall clock does.

A stored time alone would come early when the clock is set forward. So a step of the wall clock
against the monotonic one moves all stored times with it; and of a time in which ingestd did not
run, which nobody can vouch for, at most a day counts.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ingestd.errors import JournalError

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.model import Now

DAY = 86_400.0
#: Steps that are smaller are left alone: clocks are slewed all day, seconds.
NOTICED_S = 2.0
#: Meta key: the wall clock when tasks were last known to be right.
LAST = "after_clock"


class Grace:
    """Keeps the times of the tasks; the loop's thread only."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._last: Now | None = None

    def tick(self) -> None:
        """Compare the clocks with how they stood at the last step, or in the last run."""
        now, last = self._ctx.now, self._last
        if last is None:
            self._begin(now)
        elif abs(step := (now.wall - last.wall) - (now.mono - last.mono)) > NOTICED_S:
            self._ctx.journal.shift_after(step)
        self._last = now

    def close(self) -> None:
        """Note the time, so that the time from here on counts as one in which nothing ran."""
        journal = self._ctx.journal
        with suppress(JournalError):  # a full disk: then more of the coming time does not count
            if self._last is not None and journal.after_totals():
                journal.set_meta(LAST, self._last.wall)

    def _begin(self, now: Now) -> None:
        """Let at most a day count of the time since anything was written."""
        journal = self._ctx.journal
        if not journal.after_totals():
            return
        noted = journal.meta(LAST)
        times = [at for at in (noted, journal.last_change()) if isinstance(at, int | float)]
        if not times:
            return
        away = now.wall - max(times)
        if away < 0.0:
            journal.shift_after(away)
        elif away > DAY:
            journal.shift_after(away - DAY)
