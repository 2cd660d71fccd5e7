"""What the account and its owner limit: that it was kept to, and blamed on nobody else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ingestd import localtime

if TYPE_CHECKING:
    from ingestd.model import Item
    from soak.rig import Rig


class BrokenPromiseError(AssertionError):
    """Something that must never happen did."""


def kept(rig: Rig, rows: list[Item]) -> None:
    """Check the limits; raises `BrokenPromiseError`."""
    _within_budget(rig)
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


def _given_up_in_time(rig: Rig, rows: list[Item]) -> None:
    """What is refused each time is given up, or left to a person."""
    most = rig.variant.max_attempts
    for row in rows:
        if row.attempts > most:
            raise BrokenPromiseError(f"row {row.id} had {row.attempts} attempts of {most}")
