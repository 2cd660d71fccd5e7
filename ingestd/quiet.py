"""Quiet time that adapts to slow producers: learned a folder at a time, within bounds. Pure.

A file that changed again after it had been quiet for its whole quiet time shows that whoever
writes into this folder pauses for longer (field notes). From then on files there must be quiet for
half as long again as that pause, at most `MOST` times the configured quiet time. What was learned
halves with each day on which nobody paused so long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST: Final = 10.0  # times the configured quiet time
MOST_S: Final = 3600.0
SPARE: Final = 1.5  # times the pause that was seen
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of a folder's producers."""

    quiet: float  # seconds
    at: float  # wall-clock seconds when it was learned


def most(settle: float) -> float:
    """The longest quiet time that may be learned, seconds."""
    return max(settle, min(settle * MOST, MOST_S))


def quiet_for(learned: Learned | None, settle: float, wall: float) -> float:
    """The quiet time in force, seconds.

    Args:
        learned: what is known of the folder.
        settle: the configured quiet time, never undercut.
        wall: now; a clock that was set back keeps what was learned.
    """
    if learned is None:
        return settle
    days = max(0.0, wall - learned.at) // DAY
    left = (learned.quiet - settle) / 2.0 ** min(days, 64.0)
    return min(most(settle), settle + left) if left >= 1.0 else settle


def learn(learned: Learned | None, settle: float, pause: float, wall: float) -> Learned | None:
    """Take in that a file changed after so long a pause; None: nothing new is learned.

    A pause beyond all bounds is no slow producer: somebody came back to the file.
    """
    if pause <= settle or pause > most(settle):
        return None
    wanted = min(most(settle), pause * SPARE)
    if learned is not None and quiet_for(learned, settle, wall) >= wanted:
        return None
    return Learned(wanted, wall)
