"""Waiting until files are searchable: a question asked again and again, and its answer."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingestd.journal import JournalReader
    from ingestd.model import Item

#: Seconds between two looks into the journal.
PERIOD: Final = 0.5
_UPLOADED: Final = frozenset({State.INDEXING, State.PARSED})
#: States that only a person leads out of.
_STUCK: Final = frozenset(
    {State.REJECTED, State.FAILED, State.HELD, State.SKIPPED, State.GONE},
)


class Until(StrEnum):
    """What is waited for."""

    UPLOADED = "uploaded"
    PARSED = "parsed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the files that are waited for stand."""

    done: int = 0
    open: int = 0
    failed: tuple[Item, ...] = field(default=())

    @property
    def whole(self) -> int:
        """How many files there are."""
        return self.done + self.open + len(self.failed)


def weigh(items: Iterable[Item], until: Until, item_of: Callable[[int], Item | None]) -> Standing:
    """Count what is done, what cannot be, and what is still open.

    A duplicate stands as its original does.
    """
    done = still = 0
    failed: list[Item] = []
    for item in items:
        original = item_of(item.duplicate_of) if item.duplicate_of else None
        state = original.state if item.state is State.DUPLICATE and original else item.state
        if state is State.PARSED or (until is Until.UPLOADED and _is_uploaded(original or item)):
            done += 1
        elif state in _STUCK:
            failed.append(item)
        else:
            still += 1
    return Standing(done, still, tuple(failed))


def _is_uploaded(item: Item) -> bool:
    return item.state in _UPLOADED or item.video_no is not None


@dataclass(frozen=True, slots=True)
class Patience:
    """How a wait passes its time; tests have a clock of their own."""

    timeout: float | None = None  # seconds; None: for ever
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def wait_for(
    look: Callable[[], Standing], patience: Patience, told: Callable[[Standing], None]
) -> tuple[Standing, bool]:
    """Look until nothing is open; the last standing, and whether it ended in time."""
    end = None if patience.timeout is None else patience.clock() + patience.timeout
    while True:
        standing = look()
        told(standing)
        if not standing.open:
            return standing, True
        if end is not None and patience.clock() >= end:
            return standing, False
        left = PERIOD if end is None else min(PERIOD, end - patience.clock())
        patience.sleep(max(left, 0.0))


def candidates(reader: JournalReader, path: str) -> tuple[Item, ...]:
    """The rows that stand for what lies at a path now, or below it."""
    from ingestd.journal import Selection  # noqa: PLC0415 - a value of the room above

    return tuple(
        item
        for item in reader.items(Selection(under=path))
        if (current := reader.current(item.path)) is not None and current.id == item.id
    )


def missing(paths: Sequence[str]) -> list[str]:
    """The paths at which nothing lies."""
    return [path for path in paths if not os.path.lexists(path)]
