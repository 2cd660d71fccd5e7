"""What is about to be spent, in a sentence, and the question whether to go on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ingestd.cli import terminal, words
from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.config import Settings
    from ingestd.model import Item


@dataclass(frozen=True, slots=True)
class Work:
    """So much would be uploaded."""

    clips: int = 0
    bytes: int = 0
    seconds: float = 0.0
    unmeasured: int = 0  # clips of unknown length: they cost more than the estimate says
    longest: float = 0.0  # seconds

    def plus(self, size: int, seconds: float | None) -> Work:
        """Add one clip."""
        return Work(
            self.clips + 1,
            self.bytes + size,
            self.seconds + (seconds or 0.0),
            self.unmeasured + (not seconds),
            max(self.longest, seconds or 0.0),
        )

    def document(self, settings: Settings) -> dict[str, object]:
        """Write it for JSON."""
        return {
            "clips": self.clips,
            "bytes": self.bytes,
            "minutes": round(self.seconds / 60, 3),
            "cost": round(cost(self, settings), 4),
            "currency": settings.budget.currency,
            "unmeasured": self.unmeasured,
            "seconds_to_upload": span(self, settings),
        }


def work_of(items: Iterable[Item]) -> Work:
    """Sum up rows."""
    work = Work()
    for item in items:
        work = work.plus(item.stat.size if item.stat else 0, item.duration_s)
    return work


def cost(work: Work, settings: Settings) -> float:
    """The estimated price."""
    return work.seconds / 60 * settings.budget.price_per_1000_min / 1000


def span(work: Work, settings: Settings) -> float | None:
    """How long the uploads take at the configured pace, seconds; None: the pace is no limit."""
    per_minute = settings.upload.per_minute
    return None if per_minute is None else work.clips / per_minute * 60


def sentence(work: Work, settings: Settings) -> str:
    """Say clips, bytes, minutes, cost and time."""
    parts = [
        words.count(work.clips, "clip"),
        words.size(work.bytes),
        words.minutes(work.seconds),
        words.about(cost(work, settings), settings.budget.currency),
    ]
    text = ", ".join(parts)
    time = span(work, settings)
    if time:
        text += f", {words.duration(time)} at {settings.upload.per_minute:g} a minute"
    text += _days(work, settings)
    if work.unmeasured:
        clips = words.count(work.unmeasured, "clip")
        text += f" ({clips} of unknown length not counted)"
    return text


def _days(work: Work, settings: Settings) -> str:
    """How the budget stretches it, and whether it fits at all."""
    per_day, per_month = settings.budget.minutes_per_day, settings.budget.minutes_per_month
    minutes, longest = work.seconds / 60, work.longest / 60
    for limit, period in ((per_month, "month"), (per_day, "day")):
        if limit is not None and longest > limit:
            budget = f"the budget of {words.minutes(limit * 60)} a {period}"
            return f"; the longest clip is longer than {budget} and would wait for you"
    if per_month is not None and minutes > per_month:
        return f"; more than the budget of {words.minutes(per_month * 60)} a month"
    if per_day is None or minutes <= per_day:
        return ""
    days = words.count(math.ceil(minutes / per_day), "day") if per_day else "no day"
    return f"; at least {days} with the budget of {words.minutes(per_day * 60)} a day"


def agreed(question: str, *, yes: bool) -> bool:
    """Say what would be spent and ask for a yes.

    Raises:
        UsageError: nobody is there to ask, and `--yes` was not given.
    """
    if yes:
        click.echo(question, err=True)
        return True
    if not terminal.can_ask():
        raise UsageError(f"{question} Nothing was done: it costs money, so say --yes.")
    click.echo(question, err=True)
    return click.confirm("Go on?", default=False, err=True)
