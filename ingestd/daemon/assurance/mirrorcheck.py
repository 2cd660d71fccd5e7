"""Opening the mirror and comparing it with the journal; runs in a worker, for its disk may hang.

What the mirror knows and the journal does not was paid by somebody who is forgotten here: the
journal was lost, is a restored backup or a snapshot (rules R3, R8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from ingestd.daemon.assurance.mirrorfacts import facts_of
from ingestd.mirror import (
    Ended,
    Intent,
    Mirror,
    Paid,
    Reading,
    Result,
    Skipped,
    identity,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ingestd.journal import JournalReader
    from ingestd.mirror import Fact

if TYPE_CHECKING:
    ReadJournal = Callable[[], AbstractContextManager[JournalReader]]

#: Facts written in one go when a mirror begins.
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """What the journal remembers of its mirror."""

    directory: str
    identity: str
    read: int  # up to here the journal knows all of it, bytes; -1: it lacks what the journal knows

    def kept(self) -> dict[str, object]:
        """Write it for the journal's small facts."""
        return {"directory": self.directory, "identity": self.identity, "read": self.read}

    @classmethod
    def of(cls, kept: object) -> Place | None:
        """Read what `kept` wrote; None: there was no mirror yet."""
        if not isinstance(kept, dict):
            return None
        return cls(str(kept["directory"]), str(kept["identity"]), int(kept["read"]))


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the mirror knows and the journal does not."""

    videos: int = 0  # paid
    attempts: int = 0  # without an outcome: perhaps paid
    skipped: int = 0  # contents that a person said are not to be uploaded
    example: str = ""

    @property
    def any(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.videos or self.attempts or self.skipped)


@dataclass(frozen=True, slots=True)
class OpenMirror:
    """A mirror that can be used, and how it compares."""

    mirror: Mirror
    place: Place
    ahead: Ahead
    results: tuple[Result, ...]  # of attempts that the journal knows without their outcome


@dataclass(slots=True)
class _Comparison:
    journal: JournalReader
    is_its: bool  # the journal has kept this mirror up to now: a skip in it is its own
    results: list[Result] = field(default_factory=list)
    videos: int = 0
    example: str = ""
    open: dict[str, str] = field(default_factory=dict)  # unknown attempts: their names by key
    skipped: dict[tuple[int, str], str] = field(default_factory=dict)  # unknown ones: their paths

    def take(self, fact: Fact) -> None:
        match fact:
            case Intent():
                if self.journal.send_of_key(fact.key) is None:
                    self.open[fact.key] = fact.name
            case Ended():
                self.open.pop(fact.key, None)
            case Result():
                self._result(fact, self.open.pop(fact.key, ""))
            case Paid() if not self.journal.knows_video(fact.video_no):
                self.videos += 1
                self.example = self.example or fact.name
            case Skipped():
                self._skipped(fact)

    def _skipped(self, fact: Skipped) -> None:
        content = (fact.size, fact.sample)
        if fact.wanted:
            self.skipped.pop(content, None)
        elif not self.is_its and not self.journal.ever_saw(*content):
            self.skipped[content] = fact.path

    def _result(self, fact: Result, name: str) -> None:
        if self.journal.knows_video(fact.video_no):
            return
        if self.journal.send_of_key(fact.key) is not None:
            self.results.append(fact)  # a crash before the loop heard of it
            return
        self.videos += 1
        self.example = self.example or name

    def ahead(self) -> Ahead:
        first = next(iter([*self.open.values(), *self.skipped.values()]), "")
        return Ahead(self.videos, len(self.open), len(self.skipped), self.example or first)


def check(
    read_journal: ReadJournal, directory: Path, place: Place | None, sync: Callable[[int], None]
) -> OpenMirror:
    """Open the mirror of a directory, or make it, and compare what it knows with the journal.

    Args:
        read_journal: opens the journal for reading, in the thread that calls it.
        directory: where the mirror is.
        place: what the journal remembers of its mirror; None: it never had one.
        sync: makes a file's data durable.

    Raises:
        MirrorError: it cannot be used.
        JournalError: the journal cannot be read.
    """
    mirror, known = _opened(directory, place, sync)
    try:
        with read_journal() as journal:
            start = place.read if place is not None and known else 0
            if not 0 <= start <= mirror.size:  # lines are missing: an older copy of it, or worse
                start, known = 0, False
            reading, comparison = Reading(mirror.path, start), _Comparison(journal, known)
            for line in reading:
                comparison.take(line.fact)
            ahead = comparison.ahead()
            if not known and not ahead.any:
                _fill(mirror, journal)
        end = Place(str(directory), mirror.identity, mirror.size)
        return OpenMirror(mirror, end, ahead, tuple(comparison.results))
    except BaseException:
        mirror.close()
        raise


def _opened(
    directory: Path, place: Place | None, sync: Callable[[int], None]
) -> tuple[Mirror, bool]:
    """Open or make it; tell too whether it is the one that the journal has kept up to now."""
    there = identity(directory)
    if place is not None and there == place.identity:
        return Mirror.open(directory, there, sync=sync), True
    if place is not None and str(directory) == place.directory:
        # never a new one where one was before: its disk may not be mounted
        return Mirror.open(directory, place.identity, sync=sync), True
    if there is None:
        return Mirror.create(directory, sync=sync), False
    return Mirror.open(directory, there, sync=sync), False


def _fill(mirror: Mirror, journal: JournalReader) -> None:
    """Write into a new mirror what the journal knows as paid or skipped."""
    known = facts_of(journal)
    while facts := list(islice(known, _AT_ONCE)):
        mirror.append_all(facts)
