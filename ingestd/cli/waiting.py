"""Waiting until files are searchable: what is asked again and again, and when it is answered."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ingestd.model import Reason, State
from ingestd.surge import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ingestd.journal import JournalReader
    from ingestd.model import Item

#: Seconds between two looks into the journal.
PERIOD: Final = 0.5
#: A look ends after so many open files: all of them must be done in the end anyway.
OPEN_A_LOOK: Final = 500
#: Times of one file that are this close are the same time (FAT and SMB round to 2 s), ns.
SAME_TIME_NS: Final = 2_000_000_000
#: States that only a person, or another file, leads out of.
_STUCK: Final = frozenset({State.REJECTED, State.FAILED, State.HELD, State.SKIPPED, State.GONE})


class Until(StrEnum):
    """What is waited for."""

    UPLOADED = "uploaded"
    PARSED = "parsed"


class Fate(StrEnum):
    """How one file stands."""

    DONE = "done"
    OPEN = "open"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Patience:
    """How a wait passes its time; tests have a clock of their own."""

    timeout: float | None = None  # seconds; None: for ever
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Watchlist:
    """The files that are waited for; those that ended leave it."""

    until: Until
    pending: dict[str, None] = field(default_factory=dict)  # in the order they came
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # path -> why

    @property
    def whole(self) -> int:
        """How many files there are."""
        return self.done + len(self.pending) + len(self.failed)

    def look(self, reader: JournalReader) -> None:
        """Ask the journal about what is open."""
        still = 0
        for path in list(self.pending):
            fate, why = fate_of(reader, path, self.until)
            if fate is Fate.OPEN:
                still += 1
                if still >= OPEN_A_LOOK:
                    return
                continue
            del self.pending[path]
            if fate is Fate.DONE:
                self.done += 1
            else:
                self.failed[path] = why


def fate_of(reader: JournalReader, path: str, until: Until) -> tuple[Fate, str]:
    """How what lies at a path stands; of a failed one also why, as a sentence."""
    item = row_of(reader, path)
    if item is None:
        if os.path.lexists(path):
            return Fate.OPEN, ""
        return Fate.FAILED, "There is no such file, and the journal does not know it."
    if item.removed_at is None and _replaced(item):
        return Fate.OPEN, ""
    if item.reason is Reason.FIRST_LOOK and _is_counted(reader, path):
        return Fate.OPEN, ""
    original = reader.item(item.duplicate_of) if item.duplicate_of else None
    return _fate(original if item.state is State.DUPLICATE and original else item, until)


def row_of(reader: JournalReader, path: str) -> Item | None:
    """The row that stands for a path, or of which an after-action took the file from there."""
    item = reader.current(path)
    if item is not None:
        return item
    departed = (one for one in reader.find(path) if one.removed_at is not None)
    gone = next(departed, None)
    there = gone is not None and gone.moved_to != path and os.path.lexists(path)
    return None if there else gone


def _is_counted(reader: JournalReader, path: str) -> bool:
    """Tell whether the first look at the file's folder is going on: it may go by itself."""
    from ingestd.daemon.intake.brake import read_looks  # noqa: PLC0415 - few waits need it

    looks = read_looks(reader)
    roots = [root for root in looks if path.startswith(root.rstrip("/") + "/")]
    return bool(roots) and looks[max(roots, key=len)].stage in (Stage.COUNTING, Stage.RELEASING)


def _fate(item: Item, until: Until) -> tuple[Fate, str]:
    uploaded = until is Until.UPLOADED and item.video_no is not None
    if item.state is State.PARSED or uploaded:
        return Fate.DONE, ""
    if item.state not in _STUCK:
        return Fate.OPEN, ""
    reason = f" ({item.reason})" if item.reason else ""
    return Fate.FAILED, f"{item.state}{reason}: {item.detail or 'see ingestd show'}"


def _replaced(item: Item) -> bool:
    """Tell whether another file lies there than the row is about: the daemon will see it too."""
    if item.stat is None:
        return False
    try:
        now = os.stat(item.path)  # noqa: PTH116 - odd bytes
    except OSError:
        return False
    moved = abs(now.st_mtime_ns - item.stat.mtime_ns) > SAME_TIME_NS
    return now.st_size != item.stat.size or moved


def wait(
    watchlist: Watchlist,
    reader: JournalReader,
    patience: Patience,
    told: Callable[[Watchlist], None],
) -> bool:
    """Look until nothing is open; False: the time was over before."""
    end = None if patience.timeout is None else patience.clock() + patience.timeout
    while True:
        watchlist.look(reader)
        told(watchlist)
        if not watchlist.pending:
            return True
        left = PERIOD if end is None else min(PERIOD, end - patience.clock())
        if left <= 0:
            return False
        patience.sleep(left)


def watchlist_of(paths: Iterable[str], until: Until) -> Watchlist:
    """Make a list of what is to be waited for."""
    return Watchlist(until, dict.fromkeys(paths))
