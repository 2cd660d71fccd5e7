"""When uploads may start: account-wide pauses and the limiter (rules R7). Pure: time comes in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd.model import Gate, GateName

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Opening:
    """How a gate opens by itself: a first delay that doubles up to a largest; seconds."""

    first: float
    largest: float
    needs_probe: bool = True  # one upload goes first; the others wait for its outcome


#: Gates that are not here open only by a person or by what closed them.
OPENINGS: dict[GateName, Opening] = {
    GateName.RATE_LIMIT: Opening(5.0, 30 * MINUTE),
    GateName.INDEXING_CAP: Opening(10 * MINUTE, 10 * MINUTE),
    GateName.CREDITS: Opening(15 * MINUTE, 6 * HOUR),
    GateName.DISABLED: Opening(HOUR, 6 * HOUR),
    GateName.UNREACHABLE: Opening(5.0, 5 * MINUTE),
    GateName.DISK_FULL: Opening(MINUTE, 10 * MINUTE, needs_probe=False),
    GateName.PAUSED: Opening(0.0, 0.0, needs_probe=False),
}
#: Of the others, those that no upload could tell anything about.
WITHOUT_PROBE = frozenset({GateName.BUDGET, GateName.BANDWIDTH_WINDOW})


def close(
    old: Gate | None,
    name: GateName,
    now: float,
    detail: str,
    *,
    closed_by: int | None = None,
    wait: float | None = None,
    at_least: float = 0.0,
) -> Gate:
    """Close a gate, or keep it closed for longer when it was closed already.

    Args:
        old: the gate as it stands, if it does.
        name: which one.
        now: wall-clock time.
        detail: what happened and what to do, for `status`.
        closed_by: the row whose refusal closed it.
        wait: what the far side asked for (Retry-After), seconds; it is a floor for the delay.
        at_least: another floor: the configured interval between uploads, seconds.
    """
    opening = OPENINGS.get(name)
    if opening is None:
        return Gate(name, old.since if old else now, None, detail, closed_by=closed_by)
    grown = opening.first if old is None else min(opening.largest, old.delay * 2)
    delay = max(grown, at_least)
    return Gate(
        name,
        since=old.since if old else now,
        until=now + max(delay, wait or 0.0),
        detail=detail,
        delay=delay,
        closed_by=closed_by,
    )


def hold_for_person(name: GateName, now: float, detail: str, until: float | None = None) -> Gate:
    """Close a gate because a person said so, until they say otherwise or until a time."""
    return Gate(name, now, until, detail)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gates together say about starting an upload now."""

    free: bool  # nothing is closed
    probes: tuple[GateName, ...] = ()  # all that is closed waits for one upload to try
    until: float | None = None  # when to look again; None with not free: only an event helps
    expired: tuple[GateName, ...] = ()  # gates that open now without a probe


def standing(gates: Iterable[Gate], now: float, probing: frozenset[GateName]) -> Standing:
    """Weigh all closed gates.

    Args:
        gates: those that are closed.
        now: wall-clock time.
        probing: gates whose one probe is under way.
    """
    probes: list[GateName] = []
    expired: list[GateName] = []
    untils: list[float] = []
    shut = False
    for gate in gates:
        opening = OPENINGS.get(gate.name)
        if gate.until is None or gate.name in probing:
            shut = True
        elif gate.until > now:
            shut = True
            untils.append(gate.until)
        elif opening.needs_probe if opening else gate.name not in WITHOUT_PROBE:
            probes.append(gate.name)  # one that a person let try again needs its probe as well
        else:
            expired.append(gate.name)
    if shut:
        return Standing(free=False, until=min(untils) if untils else None, expired=tuple(expired))
    return Standing(free=not probes, probes=tuple(probes), expired=tuple(expired))


def probe_now(gate: Gate, now: float) -> Gate:
    """Let a probe through at once (`resume`); a gate that waits for a person gets its probe too."""
    return replace(gate, until=now)


#: A body over this size is sent alone while per_minute is at most ALONE_RATE (rules R7).
ALONE_SIZE = 256 << 20
ALONE_RATE = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What the limiter remembers, also across restarts; wall-clock seconds."""

    last_start: float | None = None
    last_acceptance: float | None = None

    def mended(self, now: float) -> Pace:
        """The same after the clock was set back: what lies ahead of it counts as now."""
        known = (self.last_start, self.last_acceptance)
        start, acceptance = (None if at is None else min(at, now) for at in known)
        return Pace(start, acceptance)

    def next_start(self, per_minute: float | None, now: float) -> float:
        """When the next upload may start: no burst, one interval after the later of the two.

        `per_minute` None means unlimited. After a clock was set back (see `mended`) it is never
        longer than one interval from now.
        """
        known = [at for at in (self.last_start, self.last_acceptance) if at is not None]
        if per_minute is None or not known:
            return now
        interval = MINUTE / per_minute
        return min(max(known) + interval, now + interval)


def fits_beside(size: int, in_flight: Iterable[int], per_minute: float | None) -> bool:
    """Tell whether a body may go out beside those in flight (rules R7, large bodies alone)."""
    sizes = tuple(in_flight)
    if not sizes or per_minute is None or per_minute > ALONE_RATE:
        return True
    return max(size, *sizes) <= ALONE_SIZE
