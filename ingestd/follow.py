"""Which questions follow the rows at the far side with the fewest calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.model import Item

#: Up to this many rows of one scope are asked for one by one; more share one list call.
FEW = 2
#: Video numbers in one list call; its page holds 200 at most (contract 3.1).
MOST = 100


@dataclass(frozen=True, slots=True)
class Poll:
    """One call: `get_metadata` for a single row, `list_videos` with their numbers for several."""

    scope: str
    items: tuple[Item, ...]

    @property
    def single(self) -> bool:
        """Tell whether this is a question for one video."""
        return len(self.items) == 1


def plan_polls(due: Iterable[Item], one_by_one: frozenset[int] = frozenset()) -> tuple[Poll, ...]:
    """Make calls out of the rows that are due.

    Args:
        due: rows with a video number, in the order they are due.
        one_by_one: rows that a list call did not show: each gets a question of its own, because
            a list may be filtered in ways that metadata is not (contract 3.1, folder drift).
    """
    by_scope: dict[str, list[Item]] = {}
    alone: list[Item] = []
    for item in due:
        if item.id in one_by_one:
            alone.append(item)
        else:
            by_scope.setdefault(item.scope or "", []).append(item)
    polls: list[Poll] = []
    for scope, items in by_scope.items():
        if len(items) <= FEW:
            alone += items
        else:
            polls += [
                Poll(scope, tuple(items[at : at + MOST])) for at in range(0, len(items), MOST)
            ]
    return (*polls, *(Poll(item.scope or "", (item,)) for item in alone))
