"""When uploads may start (rules R7): gates, limiter, indexing cap, budget. Pure: time comes in."""

from ingestd.gates.pace import Pace, fits_beside
from ingestd.gates.standing import (
    BY_CALENDAR,
    Standing,
    asked,
    close,
    hold,
    probe_now,
    standing,
)

__all__ = [
    "BY_CALENDAR",
    "Pace",
    "Standing",
    "asked",
    "close",
    "fits_beside",
    "hold",
    "probe_now",
    "standing",
]
