"""Account-wide pauses: how a gate closes, what opens it again, what all of them say together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd.model import Gate, GateName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MINUTE = 60.0
HOUR = 3600.0
#: Key of `Gate.data`: the word of a person that alone opens it (`resume --WORD`, interface 3).
ASKS = "asks"
#: Key of `Gate.data`: what to do, where that is less than the whole `detail`.
REMEDY = "remedy"


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
#: Of the others, those that no upload could tell anything about: the calendar opens them.
BY_CALENDAR = frozenset({GateName.BUDGET, GateName.BANDWIDTH_WINDOW})


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
    data = old.data if old else {}
    if opening is None:
        since = old.since if old else now
        return Gate(name, since, None, detail, closed_by=closed_by, data=data)
    grown = opening.first if old is None else min(opening.largest, old.delay * 2)
    delay = max(grown, at_least)
    return Gate(
        name,
        since=old.since if old else now,
        until=now + max(delay, wait or 0.0),
        detail=detail,
        delay=delay,
        closed_by=closed_by,
        data=data,
    )


def hold(
    old: Gate | None,
    name: GateName,
    now: float,
    detail: str,
    until: float | None = None,
    *,
    asks: str | None = None,
    data: Mapping[str, object] | None = None,
) -> Gate:
    """Close a gate until a time, or until a person says otherwise.

    Args:
        old: the gate as it stands, if it does.
        name: which one.
        now: wall-clock time.
        detail: what happened and what to do, for `status`.
        until: when it opens by itself; None: never.
        asks: the word that a person must say for it to open before (`resume --WORD`); a plain
            `resume`, a probe or an answer of the far side does not open it then.
        data: what its desk wants to find again beside it.
    """
    known = {**(data or {}), **({} if asks is None else {ASKS: asks})}
    since = old.since if old else now
    return Gate(name, since, until, detail, data=known)


def asked(gate: Gate) -> str | None:
    """The word that alone opens a gate before its time; None: it needs none."""
    word = gate.data.get(ASKS)
    return word if isinstance(word, str) else None


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
        elif opening.needs_probe if opening else gate.name not in BY_CALENDAR:
            probes.append(gate.name)  # one that a person let try again needs its probe as well
        else:
            expired.append(gate.name)
    if shut:
        return Standing(free=False, until=min(untils) if untils else None, expired=tuple(expired))
    return Standing(free=not probes, probes=tuple(probes), expired=tuple(expired))


def probe_now(gate: Gate, now: float) -> Gate:
    """Let a probe through at once (`resume`), also where no time was set for one."""
    return replace(gate, until=now)
