"""Lines of text whose parts have a tone: plain text for pipes, colour for terminals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Tone(StrEnum):
    """What a part of a line means to a person; the values are styles of rich."""

    PLAIN = ""
    TITLE = "bold"
    GOOD = "green"
    WAIT = "yellow"
    BAD = "bold red"
    DIM = "dim"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]


def line(*parts: str | Span) -> Line:
    """Make a line of texts and spans."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def plain(lines: Iterable[Line]) -> str:
    """Write lines as text without colour, without spaces at their ends."""
    return "".join("".join(span.text for span in one).rstrip() + "\n" for one in lines)
