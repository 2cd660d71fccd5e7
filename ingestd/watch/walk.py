"""One pass over a folder, directory by directory, without recursion and with few descriptors."""

from __future__ import annotations

import errno
import os
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from ingestd.watch.beneath import Descent
from ingestd.watch.entries import (
    VANISHED,
    DirectoryTrouble,
    Entry,
    Listing,
    RootState,
    ScanReport,
)
from ingestd.watch.look import Looker, error_words
from ingestd.watch.memory import Known, Memory, identity
from ingestd.watch.names import Ignored, Refused
from ingestd.watch.roots import root_replaced, root_trouble

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from ingestd.watch.names import NameRules

PIECE: Final = 1000  # entries a listing holds at most
FRESH: Final = 2.0  # seconds: a directory that changed so shortly before may change unseen (R5)
_NO_DIRECTORY: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


@dataclass(frozen=True, slots=True)
class View:
    """How a folder is looked at; `Scanner` explains each."""

    root: str
    names: NameRules
    looker: Looker
    recursive: bool
    follow_symlinks: bool
    inner: frozenset[str]  # relative paths
    trust_mtimes: bool
    wall: Callable[[], float]
    others: set[str] = field(default_factory=set)  # where other folders' roots were met

    def path(self, relative: str) -> str:
        """The absolute path of what is at a relative one."""
        return os.path.join(self.root, relative) if relative else self.root  # noqa: PTH118 - hot


@dataclass(slots=True)
class _Tally:
    """What a pass counts, for its report."""

    directories: int = 0
    skipped: int = 0
    files: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    troubles: list[DirectoryTrouble] = field(default_factory=list)
    other_devices: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    """A directory while it is listed."""

    relative: str
    path: str  # absolute
    status: os.stat_result  # from before it was listed
    settled: bool  # had not changed for so long that its mtime tells of the next change
    subdirectories: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)  # to directories, to be followed
    files: int = 0
    ignored: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def below(self, name: str) -> str:
        """The relative path of what is in it."""
        return f"{self.relative}/{name}" if self.relative else name

    def known(self) -> Known:
        """What to remember of it."""
        return Known(
            identity=identity(self.status),
            mtime_ns=self.status.st_mtime_ns,
            subdirectories=tuple(self.subdirectories),
            files=self.files,
            ignored=tuple(self.ignored.items()),
        )


class ScanPass:
    """One pass: iterate over it to its end, then read `report`."""

    def __init__(
        self,
        view: View,
        memory: Memory,
        *,
        full: bool,
        stop: threading.Event,
        start: str,
        beat: Callable[[], None],
        others: frozenset[tuple[int, int]],
    ) -> None:
        self._view = view
        self._memory = memory
        self._full = full
        self._stop = stop
        self._start = start
        self._beat = beat
        self._others = others
        self._root_id: tuple[int, int] | None = None
        self._root_trouble: tuple[RootState, str] | None = None
        self._complete = False
        self._tally = _Tally()
        self._todo: deque[tuple[str, int]] = deque()  # relative path, device of what is above it
        self._visited: set[tuple[int, int]] = set()  # only where links are followed
        self._known: dict[str, Known] = {}  # before this pass
        self._learned: dict[str, Known] = {}

    @property
    def report(self) -> ScanReport:
        """How the pass went; while it runs, and when it was left early: not complete."""
        state, detail = self._root_trouble or (RootState.OK, "")
        return ScanReport(
            state=state,
            detail=detail,
            complete=self._complete,
            directories=self._tally.directories,
            skipped_directories=self._tally.skipped,
            files_seen=self._tally.files,
            ignored_by=dict(self._tally.ignored),
            troubles=tuple(self._tally.troubles),
            other_devices=tuple(self._tally.other_devices),
            root_id=self._root_id,
        )

    def __iter__(self) -> Iterator[Listing]:
        """List the folder; a directory is known once what follows its last piece is asked for."""
        view = self._view
        try:
            with Descent(view.root, follow_symlinks=view.follow_symlinks) as descent:
                root = os.fstat(descent.to(""))
                self._root_id = identity(root)
                remembered, ticket = self._memory.recall(self._root_id)
                self._known = {} if self._full else remembered
                self._todo.append((self._start, root.st_dev))
                yield from self._walk(descent, root.st_dev)
                self._root_trouble = root_replaced(view.root, self._root_id)
        except OSError as error:  # of the root alone: the others' are troubles of their own
            self._root_trouble = root_trouble(view.root, error)
        if self._root_trouble is not None:
            self._memory.forget()
            return
        self._complete = not self._todo
        whole = self._complete and not self._start
        self._memory.replace(self._learned, ticket, whole=whole)

    def _walk(self, descent: Descent, root_device: int) -> Iterator[Listing]:
        while self._todo and not self._stop.is_set():
            relative, above = self._todo.pop()
            self._beat()
            try:
                place = self._arrive(descent, relative, above)
                if place is None:
                    continue
                yield from self._list(place, descent.to(relative))
                self._leave(place, trusted=place.status.st_dev == root_device)
            except OSError as error:
                if not relative:
                    raise
                self._failed(relative, error)

    def _arrive(self, descent: Descent, relative: str, above: int) -> _Place | None:
        """Count a directory; None: it need not be listed."""
        known = self._known.get(relative)
        wall = self._view.wall()
        status = self._status(descent, relative, known)
        if self._others and relative and identity(status) in self._others:
            self._view.others.add(relative)
            return None
        if self._view.follow_symlinks:
            if identity(status) in self._visited:
                return None
            self._visited.add(identity(status))
        self._tally.directories += 1
        if status.st_dev != above and relative != self._start:
            self._tally.other_devices.append(self._view.path(relative))
        if known is not None and known.is_still(status):
            self._skip(relative, known)
            return None
        settled = wall - status.st_mtime >= FRESH
        return _Place(relative, self._view.path(relative), status, settled)

    def _status(self, descent: Descent, relative: str, known: Known | None) -> os.stat_result:
        """Take a directory's status; one that was a leaf need not be opened for that."""
        if known is None or known.subdirectories or not relative:
            return os.fstat(descent.to(relative))
        parent, _, name = relative.rpartition("/")
        return os.stat(name, dir_fd=descent.to(parent), follow_symlinks=False)

    def _skip(self, relative: str, known: Known) -> None:
        self._tally.skipped += 1
        self._tally.files += known.files
        for key, count in known.ignored:
            self._tally.ignored[key] += count
        self._learned[relative] = known
        prefix = f"{relative}/" if relative else ""
        device, _ = known.identity
        self._todo.extend((f"{prefix}{name}", device) for name in known.subdirectories)

    def _leave(self, place: _Place, *, trusted: bool) -> None:
        """Take over what a listing found, after the caller has taken its last piece."""
        device = place.status.st_dev
        self._tally.files += place.files
        self._tally.ignored.update(place.ignored)
        self._todo.extend((place.below(name), device) for name in place.subdirectories)
        for name in place.links:  # after all that is real, so that a real path names each file
            self._todo.appendleft((place.below(name), device))
        if self._view.trust_mtimes and trusted and place.settled and not place.links:
            self._learned[place.relative] = place.known()

    def _failed(self, relative: str, error: OSError) -> None:
        """Record a directory that could not be read; one that is no more is none."""
        if error.errno in _NO_DIRECTORY and relative != self._start:
            return
        self._tally.troubles.append(DirectoryTrouble(self._view.path(relative), error_words(error)))

    def _list(self, place: _Place, directory: int) -> Iterator[Listing]:
        pieces: list[Entry] = []
        failure: OSError | None = None
        try:
            for entry in self._entries(place, directory):
                pieces.append(entry)
                if len(pieces) == PIECE:
                    yield Listing(place.path, tuple(pieces), last=False)
                    pieces.clear()
        except OSError as error:
            failure = error
        yield Listing(place.path, tuple(pieces), last=failure is None)
        if failure is not None:
            raise failure

    def _entries(self, place: _Place, directory: int) -> Iterator[Entry]:
        """Look at the videos of a directory; its loop runs once for every name there is."""
        known = self._view.names.ignored_endings.get
        follow = self._view.follow_symlinks
        counts = place.ignored
        with os.scandir(directory) as items:
            for item in chain.from_iterable(self._batches(items)):
                name = item.name  # most endings have four characters: spare the search for the dot
                ignored = known(name[-4:]) or known(name[name.rfind(".") :])
                if (
                    ignored is not None
                    and name[0] != "."
                    and not item.is_dir(follow_symlinks=False)
                    and not (follow and item.is_symlink())
                ):
                    counts[ignored.counted_as] += 1
                elif (entry := self._closer(place, item, directory)) is not None:
                    yield entry

    def _batches(self, items: Iterator[os.DirEntry[str]]) -> Iterator[tuple[os.DirEntry[str], ...]]:
        """Tell now and then that the disk answers; costs the long loop next to nothing."""
        while batch := tuple(islice(items, PIECE)):
            self._beat()
            yield batch

    def _closer(self, place: _Place, item: os.DirEntry[str], directory: int) -> Entry | None:
        """Judge a name that may be a video, a directory or a followed link."""
        view, name = self._view, item.name
        relative = place.below(name)
        is_dir = self._is_directory(item)
        if is_dir and (not view.recursive or relative in view.inner):
            return None
        verdict = view.names.classify(relative, is_dir=is_dir)
        if isinstance(verdict, Ignored):
            place.ignored[verdict.counted_as] += 1
            return None
        if is_dir:
            (place.links if item.is_symlink() else place.subdirectories).append(name)
            return None
        path = f"{place.path}/{name}" if place.path != "/" else f"/{name}"
        refused = isinstance(verdict, Refused)
        entry = view.looker.entry(directory, name, path, refused=refused)
        if entry.error == VANISHED:
            return None
        place.files += 1
        return entry

    def _is_directory(self, item: os.DirEntry[str]) -> bool:
        try:
            return item.is_dir(follow_symlinks=self._view.follow_symlinks)
        except OSError:  # a link that leads in a circle, or to where nothing may be read
            return False
