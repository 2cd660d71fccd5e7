"""What comes of comparing a file with its card's list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestd.model import Stat


class Verdict(StrEnum):
    """What came of it."""

    AGREES = "agrees"
    DIFFERS = "differs"
    SHORT = "short"  # shorter than the list says: it may still be arriving
    UNLISTED = "unlisted"  # no list names it, or none that can be read


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer; `content_hash` (blake3) and `stat` are of the file that was read."""

    verdict: Verdict
    detail: str = ""
    content_hash: str | None = None
    stat: Stat | None = None
