"""The limits that decisions keep to, and the shape of a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestd.model import Item


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits that decisions keep to (interface 4, `upload` and `indexing`); seconds."""

    max_attempts: int = 10
    retry_min: float = 5.0
    retry_max: float = 900.0
    poll_min: float = 5.0
    poll_max: float = 300.0
    deadline: float = 86_400.0
    confirm_for: float = 3_600.0
    resend: bool = True  # after confirm_for: send again (True) or hold
    late_asks_for: float = 30 * 86_400.0  # after the deadline: still asked daily


@dataclass(frozen=True, slots=True)
class Decision:
    """The row as it is to be; `name` is the stable event name, None for a mere rescheduling."""

    item: Item
    name: str | None
    detail: str | None = None


def grown(delay: float, smallest: float, largest: float) -> float:
    """The next of a row of doubling delays, within its bounds."""
    return min(largest, max(smallest, delay * 2))
