"""One watched folder as the loop sees it: when to scan it, how, and what is known of its root."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from ingestd.daemon.after.places import move_targets
from ingestd.daemon.intake.arming import Arming
from ingestd.validate import REFUSED_EXTENSIONS
from ingestd.watch.entries import RootState
from ingestd.watch.mounts import is_network, keeps_mtimes
from ingestd.watch.names import Ignored, NameRules, Verdict
from ingestd.watch.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.config import Folder, Settings
    from ingestd.daemon.intake.folderwork import FolderWorker
    from ingestd.daemon.messages import Place
    from ingestd.model import Item
    from ingestd.watch.entries import ScanReport
    from ingestd.watch.mounts import Mount

#: A root that is not in order is looked at again this often at least, seconds.
MEND_S = 30.0


@dataclass(slots=True)
class Watched:
    """What the loop remembers of one folder; times are monotonic unless they end in `_at`.

    A file system that is mounted inside a folder is looked at on its own, as a part of the folder:
    it has its own mode, state and lane, and the folder's name and rules.
    """

    folder: Folder
    worker: FolderWorker
    names: NameRules
    point: str = ""  # where a part is mounted; "" is the folder itself
    era: int = 0  # reloads before it: what an earlier one's worker says is not about this one
    volume_id: str | None = None  # how rows name its file system
    mode: str = "poll"
    fstype: str = ""
    place: Place | None = None  # as the last pass found it; None: none has begun
    next_scan: float = 0.0
    next_full: float = 0.0
    scanning: bool = False
    full: bool = False  # this pass lists every directory
    listed: set[str] = field(default_factory=set)  # directories that a full pass has listed
    passes: int = 0  # passes over a root in order, from its beginning to its end
    state: str = RootState.OK.value
    detail: str = ""
    hint_detail: str = ""  # why no events come where they should
    arming: Arming = field(default_factory=Arming)
    begun_wall: float = 0.0  # when the pass under way began, wall clock
    in_look: frozenset[str] = frozenset()  # paths that are being looked at
    again: bool = False  # scan once more when this pass is over: something happened meanwhile
    mounts: tuple[Mount, ...] | None = None  # the folder's own, as they were told last
    heard_at: float = 0.0  # the last sign of life of the folder's lane, while it works
    steps: int = 0  # of the worker, then
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
    def key(self) -> str:
        """What its lane is called: the folder's name, of a part its place too."""
        return f"{self.name} {self.point}" if self.point else self.name

    @property
    def address(self) -> str:
        """What messages call it."""
        return address_of(self.key, self.era)

    @property
    def root(self) -> str:
        """The folder's path, or where the part is mounted."""
        return self.point or str(self.folder.path)

    @property
    def in_order(self) -> bool:
        """Tell whether the root could be read at the last look."""
        return self.state == RootState.OK.value

    @property
    def hung(self) -> bool:
        """Tell whether the disk or share does not answer."""
        return self.state == RootState.HUNG.value

    @property
    def device(self) -> int | None:
        """`st_dev` of the root, if it was in order at the last look."""
        return self.place.device if self.place is not None and self.in_order else None

    def verdict(self, path: str) -> Verdict:
        """Judge an absolute path below the folder by name."""
        top = str(self.folder.path).rstrip("/")  # not relpath, which is slow: bursts ask for each
        below = path.startswith(f"{top}/")
        relative = path[len(top) + 1 :] if below else os.path.relpath(path, top or "/")
        return self.names.classify_path(relative)

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
        if (
            self.mode == "poll" or self.detail or self.arming.doubt
        ):  # what could not be read is looked at sooner
            return min(self.folder.poll_interval, self.folder.rescan_interval)
        return self.folder.rescan_interval

    def holds(self, item: Item) -> bool:
        """Tell whether a row's file belongs on the file system that is here now."""
        return item.volume is None or item.volume == self.volume_id

    def arrive(self, place: Place, wall: float) -> bool:
        """Take in how the root was found before a pass; tell whether it is in order anew."""
        first = self.place is None
        before, self.place = self.state, place
        self._become(place.state, place.detail if place.state is not RootState.OK else None, wall)
        if self.in_order and place.volume is not None:
            self.fstype, self.mode = place.volume.fstype, place.mode
            self.hint_detail = place.hints.detail
        return self.in_order and (first or before != self.state)

    def hang(self, detail: str, wall: float) -> None:
        """Its lane waits for a disk or share that does not answer."""
        self._become(RootState.HUNG, detail, wall)

    def report(self, report: ScanReport, wall: float) -> bool:
        """Take in how a pass went; tell whether it was one over a root in order."""
        self._become(report.state, _troubles(report) if report.ok else report.detail, wall)
        if report.ok:
            self.last_scan_at = wall
            self.ignored_by = dict(report.ignored_by)
            self.passes += report.complete
        return report.ok

    def _become(self, state: RootState, detail: str | None, wall: float) -> None:
        """Come into a state; None: what is said of it stays."""
        if state is RootState.OK:
            self.since = None
        elif self.in_order or self.since is None:
            self.since = wall
        if detail is not None or self.state != state.value:
            self.detail = detail or ""
        self.state = state.value


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


def address_of(key: str, era: int) -> str:
    """What messages call a folder, or a part of one, of one time between two reloads."""
    return f"{key}\0{era}" if era else key


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


def scanner_for(
    settings: Settings, folder: Folder, fstype: str, parts: frozenset[str] = frozenset()
) -> Scanner:
    """The scanner of a folder; deeper folders are left to their own, what was moved to nobody.

    `parts` are places inside the folder that are looked at on their own, too.
    """
    places = {str(other.path) for other in settings.folders} | move_targets(settings) | parts
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


def watches(folder: Folder) -> tuple[object, ...]:
    """What of a folder's settings its watcher was set up with."""
    return folder.path, folder.recursive, folder.mode


def deepest(among: Iterable[Watched], path: str) -> Watched | None:
    """The deepest of these above a path."""
    above = (
        one for one in among if path == one.root or path.startswith(one.root.rstrip("/") + "/")
    )
    return max(above, key=lambda one: len(one.root), default=None)
