"""What the account and its owner limit: that it was kept to, and blamed on nobody else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ingestd import localtime
from soak.rig import SHUT_FROM, SHUT_UNTIL

if TYPE_CHECKING:
    from ingestd.model import Item
    from soak.rig import Rig


#: What was begun before the hours end may reach its worker so much later, minutes.
LATE_MIN = 5


class BrokenPromiseError(AssertionError):
    """Something that must never happen did."""


def kept(rig: Rig, rows: list[Item]) -> None:
    """Check the limits; raises `BrokenPromiseError`."""
    _within_budget(rig)
    _within_hours(rig)
    _given_up_in_time(rig, rows)


def _within_budget(rig: Rig) -> None:
    """No day has more minutes than allowed, but where a person said so, or let doubt go again."""
    clips = rig.variant.budget
    if clips is None:
        return
    again = sum(rig.allowed.payments.values())
    rows = [row for row in rig.far.rows if row.ours and row.created < rig.allowed.from_now_on]
    taken = Counter(localtime.day(row.created) for row in rows)
    for day, count in taken.items():
        if day not in rig.allowed.days and count > clips + again:
            raise BrokenPromiseError(f"over budget: {count} clips on {day}")


def _within_hours(rig: Rig) -> None:
    """Nothing begins while the timetable says 0; what was on its way to a worker may."""
    if not rig.variant.window or rig.variant.clock:
        return
    for got in rig.far.received:
        if SHUT_FROM + LATE_MIN <= localtime.minute_of_day(got.at) < SHUT_UNTIL:
            raise BrokenPromiseError(f"sent while nothing may be: {got.path}")


def _given_up_in_time(rig: Rig, rows: list[Item]) -> None:
    """What is refused each time is given up, or left to a person."""
    most = rig.variant.max_attempts
    for row in rows:
        if row.attempts > most:
            raise BrokenPromiseError(f"row {row.id} had {row.attempts} attempts of {most}")
