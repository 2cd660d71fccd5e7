"""When uploads may start (rules R7): gates, limiter, indexing cap, budget. Pure: time comes in."""

from ingestd.gates.budget import Answer, Fits, Limit, Period, playing_time, weigh
from ingestd.gates.cap import WINDOW_S as CAP_WINDOW_S
from ingestd.gates.cap import Cap
from ingestd.gates.pace import Pace, fits_beside
from ingestd.gates.standing import (
    BY_CALENDAR,
    REMEDY,
    Standing,
    asked,
    close,
    hold,
    probe_now,
    standing,
)

__all__ = [
    "BY_CALENDAR",
    "CAP_WINDOW_S",
    "REMEDY",
    "Answer",
    "Cap",
    "Fits",
    "Limit",
    "Pace",
    "Period",
    "Standing",
    "asked",
    "close",
    "fits_beside",
    "hold",
    "playing_time",
    "probe_now",
    "standing",
    "weigh",
]
