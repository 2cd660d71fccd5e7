"""Numbers, sizes, times and file names in people's words; pure.

Times are local, as people's watches are; sizes count in thousands, as the far side and disk labels
do. Nothing here depends on the locale of the terminal.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB", "PB")


def number(value: float) -> str:
    """Write a whole number with a space between thousands: 40 213."""
    return f"{round(value):,}".replace(",", " ")


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: 1 clip, 2 clips."""
    return f"{number(amount)} {noun if amount == 1 else plural or noun + 's'}"


def size(value: float) -> str:
    """Write a size: 812 bytes, 1.9 GB, 402 GB."""
    amount, unit = _scaled(value)
    return "1 byte" if (amount, unit) == ("1", "bytes") else f"{amount} {unit}"


def part_of(done: float, whole: float) -> str:
    """Write progress in the whole's unit: 1.9 of 2.6 GB."""
    _, unit = _scaled(whole)
    factor = 1000.0 ** _UNITS.index(unit)
    return f"{_digits(done / factor, unit)} of {_digits(whole / factor, unit)} {unit}"


def _scaled(value: float) -> tuple[str, str]:
    amount = float(value)
    for unit in _UNITS:
        if amount < 999.5 or unit == _UNITS[-1]:  # noqa: PLR2004 - what would round to 1000
            return _digits(amount, unit), unit
        amount /= 1000.0
    raise AssertionError


def _digits(amount: float, unit: str) -> str:
    if unit == _UNITS[0] or amount >= 9.95:  # noqa: PLR2004 - what would round to 10.0
        return number(amount)
    return f"{amount:.1f}"


def percent(done: float, whole: float) -> int:
    """How much is done, 0 to 100; 100 only when all is."""
    if whole <= 0:
        return 100
    return min(int(100 * done / whole), 100)


def minutes(seconds: float) -> str:
    """Write playing time as minutes, what is paid for: 611 min, 0.4 min."""
    value = seconds / MINUTE
    if 0 < value < 0.05:  # noqa: PLR2004 - what would round to 0.0
        return "0.1 min"
    return f"{value:.1f} min" if 0 < value < 9.95 else f"{number(value)} min"  # noqa: PLR2004 - 10.0


def money(amount: float, currency: str) -> str:
    """Write an estimated price, no more exact than it is: 0.04 USD, 9.20 USD, 915 USD."""
    if amount >= 99.95:  # noqa: PLR2004 - what would round to 100.00
        return f"{number(amount)} {currency}"
    if amount >= 0.995:  # noqa: PLR2004 - what would round to 1.00
        return f"{round(amount, 1):.2f} {currency}"
    if 0 < amount < 0.01:  # noqa: PLR2004 - less than the smallest coin
        return f"less than 0.01 {currency}"
    return f"{amount:.2f} {currency}"


def about(amount: float, currency: str) -> str:
    """Write an estimated price inside a sentence: about 9.20 USD, less than 0.01 USD."""
    written = money(amount, currency)
    return written if written.startswith("less") else f"about {written}"


def duration(seconds: float) -> str:
    """Write a span by its largest two units: 33 s, 12 min, 3 h 27 min, 2 days 4 h."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{round(whole / MINUTE)} min"
    if whole < DAY:
        hours, rest = divmod(round(whole / MINUTE), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(round(whole / HOUR), 24)
    return f"{count(days, 'day')} {hours} h" if hours else count(days, "day")


def ago(at: float, now: float) -> str:
    """Write how long ago something was; what is an hour old or more by its time: 2 s ago, 22:50."""
    age = max(0.0, now - at)
    if age < MINUTE:
        return f"{int(age)} s ago"
    if age < HOUR:
        return f"{int(age // MINUTE)} min ago"
    return moment(at, now)


def moment(at: float, now: float) -> str:
    """Write a local time as people say it: 23:12, Sat 21:04, 3 November 21:04, 2025-11-03."""
    then, today = _local(at), _local(now)
    clock = f"{then:%H:%M}"
    days = (then.date() - today.date()).days
    if days == 0 or abs(at - now) <= HOUR:
        return clock
    if abs(days) < len(_WEEKDAYS):
        return f"{_WEEKDAYS[then.weekday()]} {clock}"
    if then.year == today.year:
        return f"{then.day} {month(at)} {clock}"
    return f"{then:%Y-%m-%d}"


def month(at: float) -> str:
    """Name the local month."""
    return _MONTHS[_local(at).month - 1]


def stamp(at: float) -> str:
    """Write a local time in full, for histories: 2026-11-22 23:43:07."""
    return f"{_local(at):%Y-%m-%d %H:%M:%S}"


def clock_time(at: float) -> str:
    """Write a local time of day with its seconds: 23:43:07."""
    return f"{_local(at):%H:%M:%S}"


def day(at: float) -> str:
    """Write the local day as the journal's usage does: 2026-11-22."""
    return f"{_local(at):%Y-%m-%d}"


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC).astimezone()


def printable(text: str) -> str:
    r"""Make a file name safe to print: bytes that are no UTF-8 as \xff, control characters too.

    A name may hold line breaks and terminal commands; only JSON output gives it exactly.
    """
    if text.isprintable():
        return text
    return "".join(_safe(char) for char in text)


def _safe(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) == "Zs":
        return char
    code = ord(char)
    if "\udc80" <= char <= "\udcff":  # os.fsdecode's stand-in for an odd byte (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - as Python writes it


def base_name(path: str) -> str:
    """Write the last part of a path, safe to print."""
    return printable(path.rstrip("/").rpartition("/")[2] or path)


def listed(things: list[str] | tuple[str, ...]) -> str:
    """Join for a sentence: a, b and c."""
    if len(things) <= 1:
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"
