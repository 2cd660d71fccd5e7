"""The bandwidth: one limit for the whole day, or a timetable.

Conventions are those of `ingestd.config.values`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingestd.config import measures, values
from ingestd.config.values import BadValueError

_FORMS = (
    "must be unlimited, a rate such as 20MB/s, or a timetable such as "
    '[{at: "08:00", limit: 5MB/s}, {at: "19:00", limit: unlimited}]'
)


_NOTHING = ("0", "0B/s", "0MB/s")


@dataclass(frozen=True, slots=True)
class BandwidthStep:
    """From `at` (minutes after local midnight) on, at most `limit` bytes/s.

    None: unlimited; 0: nothing goes out until the next step.
    """

    at: int
    limit: int | None


def bandwidth(value: object) -> tuple[BandwidthStep, ...]:
    """Read a limit or a timetable, in the order of the day; unlimited is ().

    One limit for the whole day is a single step at midnight.
    """
    if isinstance(value, dict):
        raise BadValueError(_FORMS)
    if isinstance(value, list):
        return _timetable(value)
    limit = values.unlimited_or(measures.rate)(value)
    return () if limit is None else (BandwidthStep(0, limit),)


def _timetable(entries: list[object]) -> tuple[BandwidthStep, ...]:
    if not entries:
        raise BadValueError(_FORMS)
    steps = tuple(sorted((_step(entry) for entry in entries), key=lambda step: step.at))
    if len({step.at for step in steps}) < len(steps):
        raise BadValueError("must name each time of the day once")
    if all(step.limit == 0 for step in steps):
        raise BadValueError("must leave some time of the day to upload: every limit is 0")
    return steps


def _step(entry: object) -> BandwidthStep:
    if not isinstance(entry, dict) or set(entry) != {"at", "limit"}:
        raise BadValueError(_FORMS)
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", values.text(entry["at"]).strip())
    if match is None:
        raise BadValueError('must name times of the day as "08:00"')
    return BandwidthStep(
        at=int(match[1]) * 60 + int(match[2]),
        limit=values.unlimited_or(_rate_or_nothing)(entry["limit"]),
    )


def _rate_or_nothing(value: object) -> int:
    return 0 if values.text(value).strip() in _NOTHING else measures.rate(value)
