"""The account's rate limits: pure bookkeeping over times that are passed in."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.sim.routes import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.sim.settings import SimSettings

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests within any `seconds`."""

    count: int
    seconds: float


def upload_rates(settings: SimSettings) -> list[Rate]:
    """The upload limits in force; less than one a minute becomes one in a longer window."""
    rates = []
    if settings.per_minute > 0:
        count = max(1, math.floor(settings.per_minute))
        rates.append(Rate(count, count * 60.0 / settings.per_minute))
    if settings.per_day > 0:
        rates.append(Rate(settings.per_day, DAY_S))
    return rates


READ_RATES: Final[Mapping[Endpoint, Rate]] = {
    Endpoint.LIST_VIDEOS: Rate(5, 1.0),
    Endpoint.GET_METADATA: Rate(1, 1.0),
    Endpoint.DETAILS: Rate(1, 1.0),
    Endpoint.DELETE_VIDEOS: Rate(5, 1.0),
}
"""Documented reads per second (contract 5.1), behind one switch."""


class Window:
    """The times of past requests of one kind."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def wait(self, rate: Rate, now: float) -> float:
        """Seconds until `rate` allows another request; 0 when it does now."""
        recent = self._times[bisect_right(self._times, now - rate.seconds) :]
        if len(recent) < rate.count:
            return 0.0
        return recent[-rate.count] + rate.seconds - now

    def add(self, now: float) -> None:
        """Record a request; a clock that was set back does not break the order."""
        self._times.append(max(now, self._times[-1]) if self._times else now)


class Limits:
    """Every limiter of the account; all keys share them (contract 5.1)."""

    def __init__(self) -> None:
        self._windows = {endpoint: Window() for endpoint in Endpoint}

    def wait(self, endpoint: Endpoint, settings: SimSettings, now: float) -> float:
        """Take a place for a request, or say how many seconds from now there will be one.

        A refused request takes no place.
        """
        window = self._windows[endpoint]
        wait = max((window.wait(r, now) for r in _rates(endpoint, settings)), default=0.0)
        if wait <= 0:
            window.add(now)
        return wait


def _rates(endpoint: Endpoint, settings: SimSettings) -> list[Rate]:
    if endpoint is Endpoint.UPLOAD:
        return upload_rates(settings)
    if settings.read_limits and endpoint in READ_RATES:
        return [READ_RATES[endpoint]]
    return []
