"""The surge brake and the first look (interface 4, `guard`): what is held until a person says yes.

A file counts that is new, valid and no copy of anything known. Times are wall-clock seconds,
because they outlive restarts; a clock that is set back makes nothing go that would be held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

#: Parts into which the window is counted; a file counts for up to one part longer than the window.
PARTS: Final = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What goes without asking."""

    max_files: int  # within `window`; 0: nothing is ever held
    max_bytes: int | None  # within `window`; None: unlimited
    window: float  # seconds
    first_look_files: int | None  # at a folder's first look; None: any number

    @property
    def looks(self) -> bool:
        """Whether a first look can hold anything."""
        return self.max_files > 0 and self.first_look_files is not None


# --- the surge brake --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """What went lately: (when the part began, files, bytes), oldest first."""

    parts: tuple[tuple[float, int, int], ...] = ()

    def within(self, wall: float, window: float) -> Window:
        """Forget what is over; what seems to come from the future is taken for now."""
        width = window / PARTS
        kept = [(min(at, wall), files, size) for at, files, size in self.parts]
        return Window(tuple(part for part in kept if part[0] + width + window > wall))

    @property
    def files(self) -> int:
        """How many files went."""
        return sum(files for _, files, _ in self.parts)

    @property
    def bytes(self) -> int:
        """How many bytes that was."""
        return sum(size for _, _, size in self.parts)

    def plus(self, size: int, wall: float, window: float) -> Window:
        """Count one more file."""
        if self.parts and wall - self.parts[-1][0] < window / PARTS:
            at, files, so_far = self.parts[-1]
            return Window((*self.parts[:-1], (at, files + 1, so_far + size)))
        return Window((*self.parts, (wall, 1, size)))


def admitted(gone: Window, size: int, wall: float, limits: Limits) -> Window | None:
    """Let one new file go; None: it exceeds the limits and is to be held."""
    lately = gone.within(wall, limits.window)
    if limits.max_files == 0:
        return lately
    if lately.files >= limits.max_files:
        return None
    if limits.max_bytes is not None and lately.bytes + size > limits.max_bytes:
        return None
    return lately.plus(size, wall, limits.window)


# --- the first look ---------------------------------------------------------------------------


class Stage(StrEnum):
    """How far the first look at a folder has come."""

    COUNTING = "counting"  # what is valid is held for now
    HELD = "held"  # too many: all of them wait for a person, those still to be judged too
    RELEASING = "releasing"  # few enough: what was held for now goes
    OVER = "over"


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The first look at one folder; kept over restarts."""

    stage: Stage = Stage.COUNTING
    files: int = 0  # new valid files so far
    held: bool = False  # there were too many

    @property
    def open(self) -> bool:
        """Whether what is found now belongs to it."""
        return self.stage in (Stage.COUNTING, Stage.HELD)

    def plus(self) -> FirstLook:
        """Count one more new valid file."""
        return replace(self, files=self.files + 1)

    def decided(self, pending: int, limits: Limits, *, passed: bool) -> FirstLook:
        """Go on to the next stage if it can be told.

        Args:
            pending: files that were seen and not yet judged.
            limits: the limits in force.
            passed: the folder was passed over from its beginning to its end.
        """
        limit = limits.first_look_files
        if self.stage is Stage.COUNTING:
            if not limits.looks or limit is None:
                return replace(self, stage=Stage.RELEASING)
            if self.files > limit:
                return replace(self, stage=Stage.HELD, held=True).decided(
                    pending, limits, passed=passed
                )
            if passed and self.files + pending <= limit:
                return replace(self, stage=Stage.RELEASING)
        if self.stage is Stage.HELD and passed and not pending:
            return replace(self, stage=Stage.OVER)
        return self

    def may_be_few(self, pending: int, limits: Limits) -> bool:
        """Tell whether all that was seen so far is few enough to go."""
        limit = limits.first_look_files
        return limit is None or self.files + pending <= limit
