"""The calendar of this machine's time zone: days, months and times of day, as people mean them.

Days have 23 or 25 hours when clocks change, and a time of day may come twice or never. All times
are wall-clock seconds since the epoch.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

#: Days that are looked ahead for a time of day: enough for one that does not exist tomorrow.
_DAYS_AHEAD = 2


def day(at: float) -> str:
    """Name the local day: 2026-11-22."""
    return f"{_local(at):%Y-%m-%d}"


def month(at: float) -> str:
    """Name the local month: 2026-11."""
    return f"{_local(at):%Y-%m}"


def minute_of_day(at: float) -> int:
    """The local time of day in whole minutes after midnight, 0 to 1439."""
    local = _local(at)
    return local.hour * 60 + local.minute


def next_day(at: float) -> float:
    """When the next local day begins."""
    return _begin(_local(at).date() + timedelta(days=1))


def next_month(at: float) -> float:
    """When the next local month begins."""
    today = _local(at).date()
    return _begin(date(today.year + today.month // 12, today.month % 12 + 1, 1))


def next_time(at: float, minute: int) -> float:
    """When it is that many minutes after local midnight next, later than `at`.

    A time that the change of clocks leaves out comes when they have changed; one that comes twice
    counts when it comes first.
    """
    today = _local(at).date()
    clock = time(minute // 60, minute % 60)
    days = (today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD))
    times = (datetime.combine(one, clock).timestamp() for one in days)
    return next(
        (then for then in times if then > at),
        datetime.combine(today + timedelta(days=_DAYS_AHEAD), clock).timestamp(),
    )


def _begin(one: date) -> float:
    return datetime.combine(one, time()).timestamp()


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC).astimezone()
