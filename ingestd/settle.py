"""When a file is quiet enough to be looked into: pure, the time is an argument (rules R5).

A file is settled when two looks, with its quiet time between them, saw the same size, mtime and
inode. Its content is then probed by the caller, who answers each `Candidate` with one of `done`,
`unfinished`, `trouble` and `gone`. Until it is `done` or `gone`, no file is forgotten.

`incomplete_after` (interface 4) is for the caller to count, from `Candidate.unfinished_since`: the
first unfinished verdict since the file last changed. So a producer may pause for that long, and a
file that still grows is never given up.

All times are monotonic seconds. Calls cost what is due, not what is known.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ingestd.model import Stat

AGAIN_MIN: Final = 1.0  # seconds; the first delay is the quiet time, but at least this
AGAIN_FACTOR: Final = 2.0
AGAIN_MAX: Final = 300.0  # seconds; caps the first delay too
LOOK_PATIENCE: Final = 60.0  # seconds without an observation until a look is asked for again
MOST_TIMES: Final = 3  # mtimes of one file that are remembered, to tell one that only flips
AT_ONCE: Final = 0.0  # a time that has passed on every monotonic clock


class Phase(StrEnum):
    """Where a file that is not yet known to be complete stands."""

    QUIET = "quiet"  # its quiet time runs, or has run out and the second look is due
    SETTLED = "settled"  # quiet and confirmed; waits to be taken
    PROBING = "probing"  # taken: its content is being looked into
    UNFINISHED = "unfinished"  # content says incomplete or empty; looked into again later
    TROUBLE = "trouble"  # could not be read; tried again later


_WAITING: Final = frozenset({Phase.QUIET, Phase.UNFINISHED, Phase.TROUBLE})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that was quiet for its whole quiet time; times are monotonic seconds."""

    path: str
    stat: Stat
    folder: str
    first_seen: float
    unfinished_since: float | None  # first "unfinished" verdict since its last change


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a file is still settling, for `show PATH`."""

    phase: Phase
    folder: str
    detail: str  # "settling for 12 of 60 s", or what its content or the system said
    next_look_in: float | None  # seconds; None while it is being probed or waits to be


@dataclass(slots=True)
class _File:
    """What is known of one file; lives only in the tracker."""

    path: str
    folder: str
    first_seen: float
    stat: Stat | None = None  # None: no look has succeeded yet
    quiet: float = 0.0
    changed_at: float = 0.0  # when a look first saw this stat
    phase: Phase = Phase.QUIET
    forced: bool = False  # a person asked: no quiet time before its next probe
    not_before: float = AT_ONCE  # the end of a growing delay
    delay: float = 0.0  # the current growing delay; 0: none yet
    unfinished_since: float | None = None
    detail: str = ""
    due: float | None = None  # when it needs a look
    queued: float | None = None  # the time under which it stands in the heap
    times: tuple[int, ...] = ()  # mtimes that it had before, its size being the same
    returned: bool = False  # one of them came back

    @property
    def ready_at(self) -> float:
        """From when on an unchanged look settles it."""
        if self.forced:
            return AT_ONCE
        return max(self.changed_at + self.quiet, self.not_before)


class SettleTracker:
    """Files seen but not yet known to be complete; for one thread, the loop's."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._counts: Counter[str] = Counter()
        self._settled: dict[str, float] = {}  # path -> since when, in the order of settling
        self._probes: set[str] = set()  # taken and not answered, whatever became of the file
        self._heap: list[tuple[float, str]] = []  # valid where it equals the file's `queued`

    def observe(
        self, path: str, stat: Stat, mono: float, *, quiet: float, folder: str
    ) -> float | None:
        """Tell what a look saw: a first sighting, or the file again.

        Args:
            path: The file.
            stat: What the look saw. A changed one starts the quiet time over.
            mono: When the look began.
            quiet: Quiet time in seconds; 0: one look suffices. The newest value counts.
            folder: Name of the watched folder.

        Returns:
            The pause in seconds after which a file that had been quiet for its quiet time was
            written to again; None: that is not so.
        """
        file = self._files.get(path) or self._begin(path, folder, mono)
        unsteady = _only_flips(file, stat)
        pause = None if unsteady else _pause(file, stat, mono)
        file.quiet = quiet
        if file.stat is None or not (unsteady or file.stat.same_content_as(stat)):
            self._start_over(file, mono)
        file.stat = stat
        if file.phase in _WAITING:
            if mono >= file.ready_at:
                self._settle(file, mono)
            else:
                self._schedule(file, file.ready_at)
        return pause

    def due_looks(self, mono: float) -> list[str]:
        """List the files that need a look by now.

        Each look is to be answered with `observe`, `trouble` or `gone`; a file without an answer
        is listed again after a minute.
        """
        due = []
        while (file := self._earliest()) is not None and file.due is not None and file.due <= mono:
            due.append(file.path)
            self._schedule(file, mono + LOOK_PATIENCE)
        return due

    def take_settled(self, mono: float) -> list[Candidate]:
        """Take what is settled; each stays known as probing until its probe is answered.

        A file that changed and settled again while it was probed waits for that answer: there is
        never more than one probe of a path.
        """
        ready = [path for path, since in self._settled.items() if since <= mono]
        return [self._take(self._files[path]) for path in ready]

    def done(self, path: str) -> bool:
        """Answer a probe: the file is judged and leaves this room.

        Returns:
            False when it changed or vanished since it was taken: the verdict is stale, throw it
            away; a changed file stays known and is probed again.
        """
        file = self._answered(path)
        if file is None:
            return False
        self._forget(file)
        return True

    def unfinished(self, path: str, detail: str, mono: float) -> bool:
        """Answer a probe: the content is incomplete or empty; again after a growing delay.

        Returns:
            False when the file changed or vanished since it was taken: the verdict is stale.
        """
        file = self._answered(path)
        if file is None:
            return False
        if file.unfinished_since is None:
            file.unfinished_since = mono
        self._again(file, Phase.UNFINISHED, detail, mono)
        return True

    def trouble(self, path: str, detail: str, mono: float, *, folder: str | None = None) -> None:
        """Tell that a look or a probe failed (EACCES, EBUSY, EIO ...); never given up.

        While a file is probed it counts as the probe's answer.

        Args:
            path: The file.
            detail: Words for a person.
            mono: When it failed; it is tried again after a growing delay.
            folder: Name of the watched folder; makes a path known that was not.
        """
        self._answered(path)
        file = self._files.get(path)
        if file is None and folder is not None:
            file = self._begin(path, folder, mono)
        if file is not None:
            self._again(file, Phase.TROUBLE, detail, mono)

    def gone(self, path: str) -> None:
        """Tell that a look or a probe found nothing at that path (the root being ok)."""
        self._answered(path)
        file = self._files.get(path)
        if file is not None:
            self._forget(file)

    def known(self, path: str) -> None:
        """Tell that a look found what is judged already: there is nothing to wait for.

        What waits for its end, or whose probe is under way, stays.
        """
        file = self._files.get(path)
        if file is not None and file.phase is Phase.QUIET:
            self._forget(file)

    def force(self, *paths: str) -> None:
        """Take these known files without further quiet time or delay, once."""
        for path in paths:
            file = self._files.get(path)
            if file is None or file.phase is Phase.PROBING:
                continue
            file.forced = True
            if file.stat is None:
                self._schedule(file, AT_ONCE)
            else:
                self._settle(file, AT_ONCE)

    def next_deadline(self) -> float | None:
        """When to call `due_looks` and `take_settled` next; in the past: now; None: no need."""
        if self._settled:
            return next(iter(self._settled.values()))
        file = self._earliest()
        return None if file is None else file.due

    def explain(self, path: str, mono: float) -> Explanation | None:
        """Say why a file is still settling; None: it is not known here."""
        file = self._files.get(path)
        if file is None:
            return None
        wait = None if file.due is None else max(0.0, file.due - mono)
        return Explanation(file.phase, file.folder, _words(file, mono, wait), wait)

    def count(self, folder: str) -> int:
        """How many files of a folder are settling, those being probed included."""
        return self._counts[folder]

    def is_arriving_beside(self, path: str) -> bool:
        """Tell whether another file's quiet time runs in the directory; costs what is known."""
        directory = path.rpartition("/")[0]
        return any(
            file.phase is Phase.QUIET and file.path.rpartition("/")[0] == directory
            for file in self._files.values()
        )

    def waiting(self) -> int:
        """How many files are looked at again only later: unfinished, or not readable."""
        later = (Phase.UNFINISHED, Phase.TROUBLE)
        return sum(file.phase in later for file in self._files.values())

    def forget_folder(self, folder: str) -> None:
        """Drop the files of a folder that is no longer configured; costs what is known."""
        for file in [file for file in self._files.values() if file.folder == folder]:
            self._forget(file)

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def __len__(self) -> int:
        return len(self._files)

    def _begin(self, path: str, folder: str, mono: float) -> _File:
        file = self._files[path] = _File(path, folder, first_seen=mono)
        self._counts[folder] += 1
        return file

    def _forget(self, file: _File) -> None:
        self._settled.pop(file.path, None)
        del self._files[file.path]
        self._counts[file.folder] -= 1

    def _start_over(self, file: _File, mono: float) -> None:
        """Begin the quiet time anew: what was said of the old bytes says nothing of the new."""
        self._settled.pop(file.path, None)
        file.phase = Phase.QUIET
        file.changed_at = mono
        file.not_before = AT_ONCE
        file.delay = 0.0
        file.unfinished_since = None
        file.detail = ""

    def _again(self, file: _File, phase: Phase, detail: str, mono: float) -> None:
        """Wait a growing delay before the next look."""
        self._settled.pop(file.path, None)
        grown = file.delay * AGAIN_FACTOR if file.delay else max(AGAIN_MIN, file.quiet)
        file.delay = min(AGAIN_MAX, grown)
        file.phase = phase
        file.detail = detail
        file.not_before = mono + file.delay
        self._schedule(file, file.not_before)

    def _settle(self, file: _File, mono: float) -> None:
        file.phase = Phase.SETTLED
        file.due = None
        if file.path not in self._probes:
            self._settled[file.path] = mono

    def _take(self, file: _File) -> Candidate:
        if file.stat is None:  # cannot be: only what was seen settles
            raise AssertionError(file.path)
        del self._settled[file.path]
        self._probes.add(file.path)
        file.phase = Phase.PROBING
        return Candidate(file.path, file.stat, file.folder, file.first_seen, file.unfinished_since)

    def _answered(self, path: str) -> _File | None:
        """Close a probe; the file, if the answer still speaks of it."""
        self._probes.discard(path)
        file = self._files.get(path)
        if file is None:
            return None
        if file.phase is Phase.SETTLED:  # held back until now
            self._settled.setdefault(path, AT_ONCE)
        if file.phase is not Phase.PROBING:
            return None
        file.forced = False
        return file

    def _schedule(self, file: _File, due: float) -> None:
        """Ask for a look at `due`; a later item of the same file in the heap becomes stale."""
        file.due = due
        if file.queued is None or due < file.queued:
            file.queued = due
            heapq.heappush(self._heap, (due, file.path))

    def _earliest(self) -> _File | None:
        """The file that needs a look first; drops and moves the stale items on the way."""
        while self._heap:
            queued, path = self._heap[0]
            file = self._files.get(path)
            if file is None or file.queued != queued:
                heapq.heappop(self._heap)
            elif file.due is None:
                heapq.heappop(self._heap)
                file.queued = None
            elif file.due > queued:  # put off meanwhile: one item a file, however often it grew
                file.queued = file.due
                heapq.heapreplace(self._heap, (file.due, path))
            else:
                return file
        return None


def _only_flips(file: _File, stat: Stat) -> bool:
    """Note its times; tell whether nothing but they move, and to and fro: a server makes them up.

    Field notes: CIFS and GlusterFS do that. Who writes makes ever new times; one that sets back the
    time of its source at the end does so once, and that still counts as a change.
    """
    before = file.stat
    if before is None or before.same_content_as(stat):
        return False
    if (before.size, before.dev, before.inode) != (stat.size, stat.dev, stat.inode):
        file.times, file.returned = (), False
        return False
    known, returned = stat.mtime_ns in file.times, file.returned
    if before.mtime_ns not in file.times:
        file.times = (*file.times[1 - MOST_TIMES :], before.mtime_ns)
    file.returned = returned or known
    return known and returned


def _pause(file: _File, stat: Stat, mono: float) -> float | None:
    """For how long nobody wrote; the file's own clock tells it better than ours, which looks."""
    before = file.stat
    if before is None or file.phase is Phase.QUIET or before.same_content_as(stat):
        return None
    if (before.dev, before.inode) != (stat.dev, stat.inode) or stat.size < before.size:
        return None  # another file took its place
    seen, told = mono - file.changed_at, (stat.mtime_ns - before.mtime_ns) / 1e9
    return told if 0.0 < told < seen else seen


def _words(file: _File, mono: float, wait: float | None) -> str:
    """Say in people's words where a file stands."""
    if file.phase is Phase.SETTLED:
        return "did not change for its quiet time and waits to be looked into"
    if file.phase is Phase.PROBING:
        return "did not change for its quiet time and is being looked into"
    again = f"tried again in {wait or 0:.0f} s"
    if file.phase is Phase.TROUBLE:
        return f"{(file.detail or '').rstrip('.')}; {again}"
    if file.phase is Phase.UNFINISHED and file.unfinished_since is not None:
        said = (file.detail or "").rstrip(".")
        return f"{said}. So for {mono - file.unfinished_since:.0f} s now, {again}"
    passed = min(mono - file.changed_at, file.quiet)
    return f"settling for {passed:.0f} of {file.quiet:g} s"
