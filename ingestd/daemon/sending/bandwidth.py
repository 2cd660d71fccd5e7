"""The timetable of the bandwidth: what all uploads together may use now (interface 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd import localtime
from ingestd.model import GateName

if TYPE_CHECKING:
    from ingestd.config import BandwidthStep
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.flights import Flights
    from ingestd.daemon.sending.gatekeeper import Gatekeeper

#: The timetable is looked at again after this time at the latest, seconds: on the night on which
#: clocks change, a time of day comes twice or never.
LOOK_AGAIN_S = 900.0
WORDS = (
    "upload.bandwidth lets nothing out at this time of day. Nothing is lost; what is uploaded is "
    "still followed."
)


class Bandwidth:
    """The desk that keeps to the timetable, also for bodies that are under way."""

    def __init__(self, ctx: Context, keeper: Gatekeeper, flights: Flights) -> None:
        self._ctx, self._keeper, self._flights = ctx, keeper, flights
        self._limit: float | None = None
        self._begun = False

    def tick(self) -> float | None:
        """Set the limit of now; say when to come again, monotonic; None: one holds all day."""
        upload, wall = self._ctx.settings.upload, self._ctx.now.wall
        steps = upload.bandwidth
        one_all_day = len(steps) <= 1
        limit = upload.bandwidth_at(0 if one_all_day else localtime.minute_of_day(wall))
        if limit == 0:
            self._shut(steps)
        else:
            self._keeper.open(GateName.BANDWIDTH_WINDOW)
            self._change(limit)
        if one_all_day:
            return None
        until = min(localtime.next_time(wall, step.at) for step in steps)
        return min(self._ctx.mono(until), self._ctx.now.mono + LOOK_AGAIN_S)

    def _change(self, limit: float | None) -> None:
        if self._begun and limit == self._limit:
            return
        self._ctx.set_bandwidth(limit)
        if self._begun:
            self._ctx.log.info("upload.bandwidth", bytes_per_second=limit)
        self._limit, self._begun = limit, True

    def _shut(self, steps: tuple[BandwidthStep, ...]) -> None:
        """Start nothing, and end the bodies that would go on for longer than a stop may take."""
        wall, name = self._ctx.now.wall, GateName.BANDWIDTH_WINDOW
        until = min(localtime.next_time(wall, step.at) for step in steps if step.limit != 0)
        was_open = not self._keeper.is_closed(name)
        self._keeper.hold(name, until, detail=WORDS)
        if was_open:
            self._flights.stop_all(grace=self._ctx.settings.stop_grace)
