"""What the service manager is told, and when: ready, how things stand, alive (interface 5).

Nothing here wakes the loop more often than the manager asks for: an idle daemon says that it is
alive twice in the watchdog's time, and nothing else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.daemon.telling.statusline import Going, Standing, status_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ingestd.daemon.core import Daemon
    from ingestd.daemon.sending.flights import Flight
    from ingestd.model import Now
    from ingestd.notify import ServiceManager

#: How long a folder may keep the service from being ready, seconds: a dead share may never answer.
FOLDERS_S = 1.0
#: The status changes no more often, seconds.
STATUS_S = 5.0
#: How much longer than its own time limit a worker may take before it counts as stuck, seconds.
BEYOND_S = 120.0
#: A question to the far side has an end of its own long before, seconds.
QUESTION_S = 900.0
#: How often workers are looked at where no watchdog asks, for `health`; seconds.
UNWATCHED_S = 60.0
#: Asked for beyond the grace, to end in order, seconds.
BEYOND_GRACE_S = 20.0


@dataclass(frozen=True, slots=True)
class Lanes:
    """What is known of the workers from outside; times are monotonic."""

    dead: Callable[[], str]  # the lane of which a thread has died; "" if none
    asking_since: Callable[[], float | None]  # when the question under way began; None: none is
    last_read: Callable[[], float]  # when a question went out last; one job may ask many


class Supervision:
    """The desk of the service manager."""

    def __init__(self, manager: ServiceManager, daemon: Daemon, lanes: Lanes, began: float) -> None:
        self._manager, self._daemon, self._lanes, self._began = manager, daemon, lanes, began
        self._ready = False
        self._line, self._line_at = "", float("-inf")
        self._alive_at, self._extended_at = began, float("-inf")
        self._awaiting: dict[int, float] = {}  # row: the answer to its body is awaited since
        self._preparing: dict[int, float] = {}  # row: it is asked for before it is sent since
        self._stuck = ""

    @property
    def ready(self) -> bool:
        """Tell whether the service manager was told so; where there is none, it is at once."""
        return self._ready or not self._manager.listens

    def tick(self, now: Now) -> float | None:
        """Tell what is due; say when to come again (monotonic)."""
        if not self._manager.listens:
            return self._watchdog(now.mono)  # for `health`
        deadlines = [self._watchdog(now.mono)]
        if self._ready:
            deadlines.append(self._status(now.mono))
        elif self._all_seen() or now.mono >= self._began + FOLDERS_S:
            self._ready = True
            self._say_ready(now.mono)
        else:
            deadlines.append(self._began + FOLDERS_S)
        return min((at for at in deadlines if at is not None), default=None)

    def reloading(self, now: Now) -> None:
        """A reload begins."""
        self._manager.reloading(now.mono, "Reading the configuration again")

    def reloaded(self, now: Now) -> None:
        """It is over, whatever came of it; `needs you` says if it was refused."""
        self._say_ready(now.mono)

    def stopping(self, now: Now, until: float) -> None:
        """Say that it ends, and ask for the time that the bodies under way may take."""
        left = until - now.mono
        self._manager.stopping(f"Stopping: {self._finishing()}")
        self.finishing(now, left)

    def finishing(self, now: Now, left: float) -> None:
        """Ask for more time now and then, as long as a body is being finished in the grace."""
        if now.mono >= self._extended_at + STATUS_S:
            self._extended_at = now.mono
            self._manager.extend(max(left, 0.0) + BEYOND_GRACE_S)

    def _finishing(self) -> str:
        bodies = len(self._daemon.flights.under_way)
        if not bodies:
            return "nothing is under way"
        return f"{bodies} upload{'s' if bodies > 1 else ''} may end within the grace"

    # --- ready and how things stand -----------------------------------------------------------

    def _all_seen(self) -> bool:
        """Every folder was looked at; its first scan was asked for before that."""
        return all(watched.fstype for watched in self._daemon.seeing.watched.values())

    def _say_ready(self, mono: float) -> None:
        self._line, self._line_at = self._compose(), mono
        self._manager.ready(self._line)

    def _status(self, mono: float) -> float | None:
        if mono < self._line_at + STATUS_S:
            return self._line_at + STATUS_S
        self._line_at, before = mono, self._line
        self._line = self._compose()
        if self._line != before:
            self._manager.status(self._line)
        return mono + STATUS_S if self._daemon.flights.under_way else None

    def _compose(self) -> str:
        daemon = self._daemon
        troubled = [one for one in daemon.seeing.watched.values() if not one.in_order]
        return status_line(
            Standing(
                uploads=tuple(_going(flight) for flight in daemon.flights.under_way),
                counts=daemon.ctx.journal.counts(),
                settling=len(daemon.tracker),
                gates=tuple(gate.detail for gate in daemon.keeper.closed),
                folders=tuple((one.name, one.state) for one in troubled),
                config_refused=daemon.snapshots.refusal is not None,
            )
        )

    # --- alive --------------------------------------------------------------------------------

    def _watchdog(self, mono: float) -> float | None:
        every = self._manager.watchdog
        if mono >= self._alive_at:
            self._alive_at = mono + (UNWATCHED_S if every is None else every / 2)
            if self._makes_progress(mono) and every is not None:
                self._manager.alive()
        return self._alive_at

    @property
    def stuck(self) -> str:
        """The worker that was found stuck at the last look, or ""; any thread may ask."""
        return self._stuck

    def _makes_progress(self, mono: float) -> bool:
        """The loop does, or it would not be here; do the workers?"""
        stuck = self._find_stuck(mono)
        if stuck and stuck != self._stuck:
            self._daemon.ctx.log.error("worker.stuck", detail=f"{stuck} Let the manager restart it")
        self._stuck = stuck
        return not stuck

    def _find_stuck(self, mono: float) -> str:
        """Name the worker that is long past every time limit of its own.

        Workers that read files are not asked: what they hang on is a share, which is reported
        as its folder's trouble, and no restart would bring it back.
        """
        dead = self._lanes.dead()
        if dead:
            return f"The worker {dead} has died."
        if self._asks_too_long(mono):
            return "A question to memories.ai does not end."
        if self._waits_too_long(mono):
            return "An upload waits for its answer beyond its time limit."
        return ""

    def _asks_too_long(self, mono: float) -> bool:
        self._preparing = _since(self._preparing, self._daemon.flights.preflights.open, mono)
        asking = self._lanes.asking_since()
        began = [*self._preparing.values(), *([] if asking is None else [asking])]
        return bool(began) and mono > max(min(began), self._lanes.last_read()) + QUESTION_S

    def _waits_too_long(self, mono: float) -> bool:
        """Tell whether an answer is awaited beyond `upload.answer_timeout`."""
        under_way = self._daemon.flights.under_way
        awaiting = [one.item.id for one in under_way if one.progress.phase != "sending"]
        self._awaiting = _since(self._awaiting, awaiting, mono)
        most = self._daemon.ctx.settings.upload.answer_timeout + BEYOND_S
        return any(mono > since + most for since in self._awaiting.values())


def _since(before: dict[int, float], present: Iterable[int], mono: float) -> dict[int, float]:
    """Since when each of these is there."""
    return {one: before.get(one, mono) for one in present}


def _going(flight: Flight) -> Going:
    return Going(
        os.path.basename(flight.item.path),  # noqa: PTH119 - odd bytes
        flight.progress.sent,
        flight.send.size,
        flight.progress.phase != "sending",
    )
