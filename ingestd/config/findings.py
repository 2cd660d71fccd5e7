"""One thing wrong with a configuration, before it is put into words with its file and line."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST_PART = 60  # characters

Loc = tuple[str | int, ...]  # the way from the root to a value, as pydantic names it


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a place."""

    loc: Loc
    message: str
    suggestion: str = ""
    others: tuple[Loc, ...] = ()  # the further places that it needs to be true
    show_value: bool = True  # whether the message wants the value beside it
    line: int | None = None  # where the place's own line is not the right one


def dotted(loc: Loc) -> str:
    """Return a place as people write it: `folders[0].settle`; absurdly long keys are cut."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part[:_LONGEST_PART]}" for part in loc)
    return "".join(parts).removeprefix(".")
