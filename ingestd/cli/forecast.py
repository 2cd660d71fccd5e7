"""What the guard would hold of a plan: the first look at a folder, the surge brake."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ingestd import surge
from ingestd.cli.planner import Action, Planned
from ingestd.daemon.intake.brake import limits_of, read_looks, read_window, says
from ingestd.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.config import Folder, Settings
    from ingestd.journal import JournalReader

#: So many files beside the counted ones are kept in their order while those wait.
KEPT: Final = 5000
#: The word of a planned file that the guard counts.
NEW: Final = "new"


class Forecast:
    """Goes over a plan, folder by folder; few files wait for its word, in their order."""

    def __init__(self, settings: Settings, reader: JournalReader | None) -> None:
        self._limits = limits_of(settings)
        self._looks = read_looks(reader) if reader else {}
        self._window = read_window(reader) if reader else surge.Window()
        self._now = time.time()
        self._waiting: list[Planned] = []
        self._name = ""  # of the folder
        self._root = ""
        self._look: surge.FirstLook | None = None

    def over(self, plan: Iterable[tuple[Folder, Planned]]) -> Iterator[Planned]:
        """The same files, those held that would be."""
        for folder, planned in plan:
            if str(folder.path) != self._root:
                yield from self._ended()
                self._begin(folder)
            if self._look is None or (not _counts(planned) and not self._waiting):
                yield self._braked(planned)
            elif _counts(planned) or len(self._waiting) < KEPT:
                yield from self._counted(planned)
            else:
                yield planned
        yield from self._ended()

    def _begin(self, folder: Folder) -> None:
        self._root, self._name = str(folder.path), folder.name
        known = self._looks.get(self._root, surge.FirstLook())
        self._look = known if self._limits.looks and known.open else None

    def _counted(self, planned: Planned) -> Iterator[Planned]:
        """One more file of a first look, or one that came after such a file."""
        look = self._look or surge.FirstLook()
        if _counts(planned):
            look = self._look = look.plus().decided(0, self._limits, passed=False)
        self._waiting.append(planned)
        if look.held:
            for one in self._waiting:
                yield self._held(one, Reason.FIRST_LOOK) if _counts(one) else one
            self._waiting.clear()

    def _ended(self) -> Iterator[Planned]:
        """The folder is over: what still waits was not too much."""
        for planned in self._waiting:
            yield self._braked(planned)
        self._waiting.clear()

    def _braked(self, planned: Planned) -> Planned:
        if not _counts(planned):
            return planned
        gone = surge.admitted(self._window, planned.size or 0, self._now, self._limits)
        if gone is None:
            return self._held(planned, Reason.SURGE)
        self._window = gone
        return planned

    def _held(self, planned: Planned, reason: Reason) -> Planned:
        detail = says(reason, self._name)
        return replace(planned, action=Action.HOLD, reason=reason, detail=detail)


def _counts(planned: Planned) -> bool:
    return planned.action is Action.TAKE and planned.reason == NEW
