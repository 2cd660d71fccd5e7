"""One watched folder as the loop sees it: when to scan it, how, and what is known of its root."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from ingestd.daemon.messages import Listed, LookedAt, ScanBegun, ScanEnded
from ingestd.daemon.places import move_targets
from ingestd.validate import REFUSED_EXTENSIONS
from ingestd.watch.entries import RootState
from ingestd.watch.mounts import WatchMode, is_network, keeps_mtimes, mode_for, read_mounts
from ingestd.watch.names import Ignored, NameRules, Verdict
from ingestd.watch.scan import Scanner

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ingestd.config import Folder, Settings
    from ingestd.daemon.messages import Message
    from ingestd.model import Item
    from ingestd.watch.entries import ScanReport
    from ingestd.watch.hints import Hints

    Post = Callable[[Message], None]

#: A root that is not in order is looked at again this often at least, seconds.
MEND_S = 30.0


@dataclass(slots=True)
class Watched:
    """What the loop remembers of one folder; times are monotonic unless they end in `_at`."""

    folder: Folder
    worker: FolderWorker
    names: NameRules
    mode: str = "poll"
    fstype: str = ""
    next_scan: float = 0.0
    next_full: float = 0.0
    scanning: bool = False
    full: bool = False  # this pass lists every directory
    listed: set[str] = field(default_factory=set)  # directories that a full pass has listed
    passes: int = 0  # passes over a root in order, from its beginning to its end
    mended: bool = False  # the last pass was the first one over a root in order
    state: str = RootState.OK.value
    detail: str = ""
    since: float | None = None  # wall clock: not in order since
    last_scan_at: float | None = None  # wall clock
    ignored_by: dict[str, int] = field(default_factory=dict)
    looks: set[str] = field(default_factory=set)  # paths to look at
    looking: bool = False
    absent: dict[str, int] = field(default_factory=dict)  # path: the pass that missed it first
    #: The directory that comes in pieces, its rows (None: one is damaged), the names seen so far.
    listing: tuple[str, dict[str, Item] | None, set[str]] | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def root(self) -> str:
        """The folder's path."""
        return str(self.folder.path)

    @property
    def in_order(self) -> bool:
        """Tell whether the root could be read at the last look."""
        return self.state == RootState.OK.value

    def verdict(self, path: str) -> Verdict:
        """Judge an absolute path below the folder by name."""
        return self.names.classify_path(os.path.relpath(path, self.root))

    def is_no_video(self, path: str) -> bool:
        """Tell whether a name's extension alone says that nobody need look.

        A name without extension may be a directory; one with, that is one all the same, waits for
        the next scan.
        """
        verdict = self.verdict(path)
        return isinstance(verdict, Ignored) and verdict.counted_as.startswith(".")

    def interval(self) -> float:
        """Seconds until the next pass."""
        if not self.in_order:
            return min(self.folder.poll_interval, self.folder.rescan_interval, MEND_S)
        if self.mode == "poll" or self.detail:  # what could not be read is looked at sooner
            return min(self.folder.poll_interval, self.folder.rescan_interval)
        return self.folder.rescan_interval

    def report(self, report: ScanReport, wall: float) -> bool:
        """Take in how a pass went; tell whether that is news."""
        before, said, first = self.state, self.detail, not self.passes
        self.state, self.detail = report.state.value, report.detail
        self.mended = self.in_order and (first or before != self.state)
        if report.ok:
            self.last_scan_at, self.since = wall, None
            self.ignored_by = dict(report.ignored_by)
            self.passes += report.complete
            self.detail = _troubles(report)
        elif before == RootState.OK.value or self.since is None:
            self.since = wall
        return (before, said) != (self.state, self.detail)


def _troubles(report: ScanReport) -> str:
    """What lies below the folder and cannot be read: visible, and looked at again (rules R5)."""
    if not report.troubles:
        return report.detail
    first, more = report.troubles[0], len(report.troubles) - 1
    others = f" and {more} more" if more else ""
    return (
        f"{first.path}{others} cannot be read ({first.error}): what lies there is not uploaded. "
        "Give ingestd's user the right to read it; it is looked at again by itself."
    )


def name_rules(settings: Settings, folder: Folder) -> NameRules:
    """The name rules of a folder."""
    taken = frozenset(settings.validate.extensions)
    return NameRules(
        extensions=taken,
        refused_extensions=REFUSED_EXTENSIONS - taken,
        include=folder.include,
        exclude=folder.exclude,
        junk=folder.junk,
    )


class FolderWorker:
    """Touches one folder; every method runs in the folder's own lane, which alone may hang."""

    def __init__(self, settings: Settings, folder: Folder, hints: Hints) -> None:
        self._settings, self._folder, self._hints = settings, folder, hints
        self._fstype: str | None = None
        self._scanner: Scanner | None = None

    def run_pass(self, *, full: bool, stop: threading.Event, post: Post) -> ScanEnded:
        """Watch first, then scan (architecture 1): what comes in between is hinted or seen."""
        name = self._folder.name
        scanner, began = self._look_around()
        post(began)
        found = scanner.scan(full=full, stop=stop)
        for listing in found:
            post(Listed(name, listing))
        return ScanEnded(name, found.report)

    def look(self, paths: tuple[str, ...]) -> LookedAt:
        """Look at these paths now."""
        scanner = self._scanner or self._look_around()[0]
        return LookedAt(self._folder.name, paths, tuple(scanner.look(paths)))

    def _look_around(self) -> tuple[Scanner, ScanBegun]:
        """Find out on which file system the folder lies, and watch it if that delivers events."""
        root = str(self._folder.path)
        mount = read_mounts().of(os.path.realpath(root))
        fstype = mount.fstype if mount else "unknown"
        if self._scanner is None or fstype != self._fstype:
            self._fstype, self._scanner = fstype, scanner_for(self._settings, self._folder, fstype)
        mode = mode_for(fstype, self._folder.mode.value)
        hints = self._hints.state(root)
        if mode is WatchMode.EVENTS and not hints.watching:
            hints = self._hints.watch(root, recursive=self._folder.recursive)
            self._scanner.distrust()  # what changed while nobody watched may not show
        watched = mode is WatchMode.EVENTS and hints.watching
        said = "events" if watched else "poll"
        return self._scanner, ScanBegun(self._folder.name, fstype, said, hints)


def scanner_for(settings: Settings, folder: Folder, fstype: str) -> Scanner:
    """The scanner of a folder; deeper folders are left to their own, what was moved to nobody."""
    places = {str(other.path) for other in settings.folders} | move_targets(settings)
    inner = frozenset(
        place
        for place in places
        if place != str(folder.path) and PurePath(place).is_relative_to(folder.path)
    )
    return Scanner(
        str(folder.path),
        name_rules(settings, folder),
        recursive=folder.recursive,
        follow_symlinks=folder.follow_symlinks,
        inner_roots=inner,
        trust_mtimes=keeps_mtimes(fstype),
        trust_attributes=not is_network(fstype),
    )
