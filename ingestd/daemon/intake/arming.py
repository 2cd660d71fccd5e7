"""When a folder is watched for events anew, and whether its events are to be believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: A watcher that has to be set up again and again: first and longest delay, seconds.
FIRST_S, MOST_S = 10.0, 3600.0
#: One that held for so long beyond its delay has earned the first delay again, seconds.
HELD_S = 3600.0
#: A file that is so old when a scan meets it would have been announced, seconds.
ANNOUNCED_S = 30.0


@dataclass(slots=True)
class Arming:
    """What is known of one folder's watcher; times are monotonic unless they end in `_wall`."""

    at: float = float("-inf")  # not set up again before
    delay: float = 0.0
    armed_wall: float = float("inf")  # when it was set up last
    unannounced: int = 0  # files of this pass that no event announced
    overflowed: bool = False  # events are known to be lost since the last pass
    doubt: str = ""  # why its events are not believed; "" while they are

    def may(self, mono: float) -> bool:
        """Whether it may be set up (again) now."""
        return mono >= self.at

    def was_set_up(self, mono: float, wall: float) -> None:
        """It was set up, whether that went well or not: the next time comes later each time."""
        held = mono - self.at >= HELD_S
        self.delay = FIRST_S if held else min(max(self.delay * 2, FIRST_S), MOST_S)
        self.armed_wall, self.at = wall, mono + self.delay

    def begins(self) -> None:
        """A pass begins."""
        self.unannounced = 0

    def ended(self, root: str) -> bool:
        """A pass is over: take in what it found; tell whether doubt is new."""
        before, lost = self.doubt, self.overflowed
        self.overflowed = False
        if self.unannounced and not lost:
            files = "1 file" if self.unannounced == 1 else f"{self.unannounced} files"
            self.doubt = (
                f"{files} in {root} came without an event and a scan found them: it is scanned "
                "more often, and watched anew."
            )
        elif not self.unannounced:
            self.doubt = ""
        return bool(self.doubt) and not before

    def is_news(self, ctime: float, begun_wall: float) -> bool:
        """Tell whether an unknown file must have been announced.

        Args:
            ctime: when it was last changed, wall clock.
            begun_wall: when the pass began, wall clock.
        """
        return self.armed_wall < ctime < begun_wall - ANNOUNCED_S
