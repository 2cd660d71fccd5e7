"""Durations, sizes and rates as people write them (interface 4).

Conventions are those of `ingestd.config.values`.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ingestd.config.values import BadValueError, text

_LONGEST_NUMBER = 40  # characters; keeps huge digit strings out of the arithmetic
_LARGEST = 2**63 - 1  # what SQLite can hold
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_MEASURE = re.compile(rf"({_AMOUNT.pattern})\s*([A-Za-z]*)")

# Durations ----------------------------------------------------------------------------------------

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST_DURATION = 100 * 365 * 86_400  # seconds; what is longer overflows clocks sooner or later
_DURATION = re.compile(r"\s*".join(rf"(?:([0-9.]+)\s*{unit})?" for unit in _SECONDS))
_WORDS = re.compile(
    r"(?P<s>sec(?:ond)?s?)|(?P<m>min(?:ute)?s?)|(?P<h>hours?|hrs?)|(?P<d>days?)|(?P<w>weeks?|wks?)"
)
_DURATION_FORMS = (
    "must be a duration such as 10s, 0.5s, 5m, 1h30m, 2h, 1d, 1w or a number of seconds"
)


def duration(value: object) -> float:
    """Read a duration; returns seconds."""
    written = text(value).strip()
    seconds = _seconds(written)
    if seconds is None:
        raise BadValueError(_DURATION_FORMS, _meant_duration(written))
    if seconds > _LONGEST_DURATION:
        raise BadValueError("must be shorter than 100 years")
    return float(seconds)


def positive_duration(value: object) -> float:
    """Read a duration that is longer than nothing; returns seconds."""
    found = duration(value)
    if not found:
        raise BadValueError("must be longer than 0 seconds")
    return found


def _seconds(written: str) -> Decimal | None:
    if not written or len(written) > _LONGEST_NUMBER:
        return None
    if _AMOUNT.fullmatch(written):
        written += "s"
    match = _DURATION.fullmatch(written)
    if match is None:
        return None
    parts = zip(match.groups(), _SECONDS.values(), strict=True)
    given = [(amount, unit) for amount, unit in parts if amount is not None]
    if any(not _AMOUNT.fullmatch(amount) for amount, _ in given):
        return None
    return sum((Decimal(amount) * unit for amount, unit in given), Decimal(0))


def _meant_duration(written: str) -> str:
    shortened = _WORDS.sub(lambda match: match.lastgroup or "", written.lower()).replace(" ", "")
    return shortened if _seconds(shortened) is not None else ""


# Sizes and rates ----------------------------------------------------------------------------------

_DECIMAL = {"": 1, "B": 1} | {f"{p}B": 1000**n for n, p in enumerate("KMGTP", start=1)}
_BINARY = {f"{p}IB": 1024**n for n, p in enumerate("KMGTP", start=1)}
_BYTES = _DECIMAL | _BINARY  # by unit in capitals
_SIZE_FORMS = "must be a size such as 3GB (10^9 bytes), 3GiB (2^30 bytes) or a number of bytes"
_RATE_FORMS = "must be a rate such as 20MB/s, 20MiB/s or a number of bytes a second"


def size(value: object) -> int:
    """Read a size; returns whole bytes."""
    written = text(value).strip()
    found = _bytes(written)
    if found is None:
        raise BadValueError(_SIZE_FORMS, _meant_size(written))
    if found > _LARGEST:
        raise BadValueError("must be a smaller size")
    return found


def rate(value: object) -> int:
    """Read a rate; returns whole bytes per second, at least 1."""
    amount, slash, unit = (part.strip() for part in text(value).partition("/"))
    found = None if slash and unit != "s" else _bytes(amount)
    if found is None:
        meant = _meant_size(amount)
        raise BadValueError(_RATE_FORMS, f"{meant}/s (bytes, not bits)" if meant else "")
    if not 0 < found <= _LARGEST:
        raise BadValueError(f"{_RATE_FORMS}, more than 0")
    return found


def _bytes(written: str) -> int | None:
    match = _MEASURE.fullmatch(written)
    if match is None or len(written) > _LONGEST_NUMBER or _may_mean_bits(match[2]):
        return None
    unit = _BYTES.get(match[2].upper())
    if unit is None:
        return None
    return int(Decimal(match[1]) * unit)


def _may_mean_bits(unit: str) -> bool:
    """Tell whether a capital prefix stands before a small b, as in Mb and Mib."""
    return unit.endswith("b") and unit[0].isupper()


def _meant_size(written: str) -> str:
    match = _MEASURE.fullmatch(written)
    if match is None or not match[2] or len(written) > _LONGEST_NUMBER:
        return ""
    unit = match[2].upper().removesuffix("B") + "B"
    return f"{match[1]}{unit.replace('I', 'i')}" if unit in _BYTES else ""
