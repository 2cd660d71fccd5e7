"""The far side's indexing queue: how many clips it takes at a time, learned from its refusals.

There is a cap on how many videos of an account may be in its indexing queue within two hours; its
number is not documented, and its refusal looks like that of the rate limit (contract 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Our accepted uploads of so many seconds count while they are unfinished (contract 5.2).
WINDOW_S = 7200.0
#: If for so long after a refusal nothing is accepted, it was no matter of a minute (rules R7).
PATIENCE_S = 120.0
#: Refusals in a row that a suspicion needs: one alone may have been a burst of somebody else's.
REFUSALS = 2


@dataclass(frozen=True, slots=True)
class Cap:
    """What is known of the cap; kept across restarts."""

    known: int | None = None  # so many at a time; None: nothing is known
    suspected_at: float | None = None  # when the refusals in a row began, wall clock
    refusals: int = 0  # in this row
    unfinished: int = 0  # clips in the queue at the last of them

    def refused(self, unfinished: int, now: float) -> Cap:
        """An upload was refused as too many, while so many of ours were unfinished."""
        if not unfinished:
            return replace(self, suspected_at=None, refusals=0, unfinished=0)  # it is no cap
        since = now if self.suspected_at is None else min(self.suspected_at, now)
        return replace(self, suspected_at=since, refusals=self.refusals + 1, unfinished=unfinished)

    def accepted(self, unfinished: int) -> Cap:
        """An upload was accepted, with which so many are unfinished; more than known raise it."""
        known = self.known
        if known is not None and unfinished > known:
            known += 1
        return Cap(known)

    @property
    def ripe_at(self) -> float | None:
        """When a suspicion becomes knowledge; None: there is none, or not enough for one."""
        if self.suspected_at is None or self.refusals < REFUSALS:
            return None
        return self.suspected_at + PATIENCE_S

    def learned(self, now: float) -> Cap | None:
        """What is known from now on; None: nothing new."""
        ripe = self.ripe_at
        if ripe is None or ripe > now:
            return None
        return Cap(self.unfinished)

    def is_reached(self, unfinished: int) -> bool:
        """Tell whether so many are as many as the far side takes at a time."""
        return self.known is not None and unfinished >= self.known
