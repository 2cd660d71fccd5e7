"""What may be spent in a day and in a month, in minutes of playing time (interface 4, `budget`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A clip whose length its file does not tell is counted by its size as if it were coded with
#: 1 Mbit/s: less than cameras, recorders and phones write, so it counts for longer than it is.
UNKNOWN_BYTES_PER_S = 125_000
#: Lengths are sums of floating-point numbers, seconds.
_ROUNDING_S = 1e-3


def playing_time(duration_s: float | None, size: int) -> float:
    """How long a clip plays as far as the budget is concerned, seconds."""
    return duration_s or size / UNKNOWN_BYTES_PER_S


class Period(Enum):
    """What a limit is for; the value is how people call it."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit and how far it is used; seconds of playing time."""

    period: Period
    allowed: float
    spent: float  # accepted in this period, or perhaps
    under_way: float  # being sent or asked about: it will be spent, or not
    ends: float  # when the next period begins, wall clock


class Fits(Enum):
    """Whether one more clip may be spent."""

    YES = auto()
    PERHAPS = auto()  # what is under way would have to fail first
    LATER = auto()  # not before the period ends
    NEVER = auto()  # it is longer than the whole limit


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a clip fits, and the limit that stands against it most."""

    fits: Fits
    limit: Limit | None = None


def weigh(seconds: float, limits: Iterable[Limit]) -> Answer:
    """Tell whether a clip of so many seconds fits into every limit.

    Of several limits in its way, the one that keeps it waiting for longest is named.
    """
    answers = [Answer(_fits(seconds, limit), limit) for limit in limits]
    worst = max(answers, key=_gravity, default=Answer(Fits.YES))
    return Answer(Fits.YES) if worst.fits is Fits.YES else worst


def _fits(seconds: float, limit: Limit) -> Fits:
    allowed = limit.allowed + _ROUNDING_S
    if seconds > allowed:
        return Fits.NEVER
    if limit.spent + seconds > allowed:
        return Fits.LATER
    if limit.spent + limit.under_way + seconds > allowed:
        return Fits.PERHAPS
    return Fits.YES


def _gravity(answer: Answer) -> tuple[int, float]:
    order = (Fits.YES, Fits.PERHAPS, Fits.LATER, Fits.NEVER)
    return order.index(answer.fits), answer.limit.ends if answer.limit else 0.0
