"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # works, and will not always
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of `check`."""

    grade: Grade
    topic: str
    text: str  # what was found, without a full stop
    remedy: str = ""  # a sentence; empty when all is well

    def document(self) -> dict[str, str | None]:
        """Write it for JSON."""
        return {
            "status": self.grade,
            "check": self.topic,
            "detail": self.text,
            "remedy": self.remedy or None,
        }


def two_sentences(text: str) -> tuple[str, str]:
    """Part an error's text into what is wrong and the remedy, as a result wants them."""
    what, _, remedy = text.partition(". ")
    return what.rstrip("."), remedy
