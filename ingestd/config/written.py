"""Settings as they would stand in a file: what `config show` prints, and `load` reads back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ingestd.config.actions import After
from ingestd.config.addresses import Address
from ingestd.config.leaks import redacted

if TYPE_CHECKING:
    from ingestd.config.settings import Settings
    from ingestd.config.timetable import BandwidthStep

_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60))
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
#: Numbers that are no durations, and sizes, by their key.
_NUMBERS = frozenset({"per_minute", "reads_per_second", "price_per_1000_min"})
_NUMBERS |= {"minutes_per_day", "minutes_per_month"}
_BYTES = frozenset({"min_size", "max_size", "max_bytes"})
#: What stands for None where that is not null.
_NONE = {
    **dict.fromkeys(("per_minute", "reads_per_second"), 0),
    **dict.fromkeys(("minutes_per_day", "minutes_per_month"), "unlimited"),
    **dict.fromkeys(("max_bytes", "first_look_files"), "unlimited"),
    **dict.fromkeys(("datetime_taken", "camera_model", "latitude", "longitude"), "off"),
    "listen": "off",
}


def written(settings: Settings) -> dict[str, Any]:
    """Every key with its value as a person would write it; a proxy's password is left out."""
    return _section(settings)


def _section(section: Any) -> dict[str, Any]:
    return {one.name: _value(one.name, getattr(section, one.name)) for one in fields(section)}


def _value(key: str, value: Any) -> Any:  # noqa: PLR0911 - one line a type
    if value is None:
        return _NONE.get(key)
    if key == "bandwidth":
        return _bandwidth(value)
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, After):
        return str(value) if value.move_to is None else {"move_to": str(value.move_to)}
    if is_dataclass(value):
        return _section(value)
    if isinstance(value, tuple):
        return [_value("", one) for one in value]
    if isinstance(value, Enum | PurePath | str):
        return redacted(str(value))
    if isinstance(value, bool):
        return value
    if key in _BYTES:
        return _size(value)
    return _number(value) if isinstance(value, int) or key in _NUMBERS else _duration(value)


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


def _duration(seconds: float) -> str:
    """Write 90.0 as 90s, 3600.0 as 1h."""
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{_number(seconds)}s"


def _size(value: int) -> str | int:
    """Write 3000000000 as 3GB; what is no round number stays one of bytes."""
    power = 0
    while value and value % 1000 == 0 and power < len(_SIZES) - 1:
        value, power = value // 1000, power + 1
    return f"{value}{_SIZES[power]}" if power else value


def _bandwidth(steps: tuple[BandwidthStep, ...]) -> Any:
    if not steps:
        return "unlimited"
    if len(steps) == 1 and steps[0].at == 0:
        return _rate(steps[0].limit)
    return [
        {"at": f"{step.at // 60:02}:{step.at % 60:02}", "limit": _rate(step.limit)}
        for step in steps
    ]


def _rate(limit: int | None) -> str:
    if limit is None:
        return "unlimited"
    written = _size(limit)
    return f"{written}/s" if isinstance(written, str) else f"{written}B/s"
