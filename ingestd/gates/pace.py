"""The limiter: how soon after another upload the next one may start (rules R7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTE = 60.0
#: A body over this size is sent alone while per_minute is at most ALONE_RATE (rules R7).
ALONE_SIZE = 256 << 20
ALONE_RATE = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What the limiter remembers, also across restarts; wall-clock seconds."""

    last_start: float | None = None
    last_acceptance: float | None = None

    def mended(self, now: float) -> Pace:
        """The same after the clock was set back: what lies ahead of it counts as now."""
        known = (self.last_start, self.last_acceptance)
        start, acceptance = (None if at is None else min(at, now) for at in known)
        return Pace(start, acceptance)

    def next_start(self, per_minute: float | None, now: float) -> float:
        """When the next upload may start: no burst, one interval after the later of the two.

        `per_minute` None means unlimited. After a clock was set back (see `mended`) it is never
        longer than one interval from now.
        """
        known = [at for at in (self.last_start, self.last_acceptance) if at is not None]
        if per_minute is None or not known:
            return now
        interval = MINUTE / per_minute
        return min(max(known) + interval, now + interval)


def fits_beside(size: int, in_flight: Iterable[int], per_minute: float | None) -> bool:
    """Tell whether a body may go out beside those in flight (rules R7, large bodies alone)."""
    sizes = tuple(in_flight)
    if not sizes or per_minute is None or per_minute > ALONE_RATE:
        return True
    return max(size, *sizes) <= ALONE_SIZE
