"""What touches a watched folder: runs in the folder's own lane, which alone may hang."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.daemon.after.places import moved_below
from ingestd.daemon.intake.folders import address_of, name_rules, scanner_for
from ingestd.daemon.messages import Listed, LookedAt, Place, ScanBegun, ScanEnded
from ingestd.watch.entries import EntryKind, RootState, ScanReport
from ingestd.watch.guard import not_mounted
from ingestd.watch.hints import OFF
from ingestd.watch.memory import identity
from ingestd.watch.mounts import WatchMode, mode_for, read_mounts
from ingestd.watch.names import Ignored
from ingestd.watch.roots import neighbours, root_trouble
from ingestd.watch.volumes import volume_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from ingestd.config import Folder, Settings
    from ingestd.daemon.messages import Message
    from ingestd.watch.guard import Guard
    from ingestd.watch.hints import Hints, HintState
    from ingestd.watch.mounts import MountTable
    from ingestd.watch.scan import Scanner
    from ingestd.watch.volumes import Volume

    Post = Callable[[Message], None]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Order:
    """What one pass is to do, decided by the loop."""

    guard: Guard
    full: bool = False  # list every directory
    arm: bool = True  # watch for events again, if nobody watches
    anew: bool = False  # and if somebody does: its events are not believed
    others: frozenset[tuple[int, int]] = frozenset()  # other folders' roots: device and inode


class FolderWorker:
    """Touches one folder, or the part of it that is mounted at `point`."""

    def __init__(self, settings: Settings, folder: Folder, point: str = "", era: int = 0) -> None:
        self._settings, self._folder, self._point = settings, folder, point
        self._root = point or str(folder.path)
        self._address = address_of(f"{folder.name} {point}" if point else folder.name, era)
        self._parts: frozenset[str] = frozenset()
        self._fstype: str | None = None
        self._scanner: Scanner | None = None
        self._identity: tuple[int, int] | None = None
        self.steps = 0  # grows while it gets answers from the disk; read by the loop

    def run_pass(
        self, order: Order, *, hints: Hints, stop: threading.Event, post: Post
    ) -> ScanEnded:
        """Watch first, then scan (architecture 1): what comes in between is hinted or seen."""
        name = self._address
        place, scanner = self._look_around(order, hints)
        post(ScanBegun(name, place))
        if place.state is not RootState.OK or scanner is None:
            return ScanEnded(name, ScanReport(place.state, place.detail))
        found = scanner.scan(
            full=order.full,
            stop=stop,
            below=self._point or None,
            beat=self._beat,
            others=order.others,
        )
        for listing in found:
            post(Listed(name, listing))
        return ScanEnded(name, found.report)

    def look(
        self,
        paths: tuple[str, ...],
        device: int,
        order: Order,
        *,
        stop: threading.Event,
        post: Post,
    ) -> LookedAt:
        """Look at these paths now, if the folder's root is still on that device.

        Directories among them, made or moved in, are scanned: what is in them was not announced.
        """
        name = self._address
        try:
            here = os.stat(self._root).st_dev == device  # noqa: PTH116 - hot, odd bytes
        except OSError:
            here = False
        if self._scanner is None or not here:
            return LookedAt(name, paths, None)
        entries = tuple(self._scanner.look(paths))
        for directory in _topmost(one.path for one in entries if one.kind is EntryKind.DIRECTORY):
            scan = self._scanner.scan(
                stop=stop, below=directory, beat=self._beat, others=order.others
            )
            for listing in scan:
                post(Listed(name, listing))
        return LookedAt(name, paths, entries)

    def _beat(self) -> None:
        self.steps += 1

    def _look_around(self, order: Order, hints: Hints) -> tuple[Place, Scanner | None]:
        """Find out which file system the folder lies on, and watch it if that delivers events."""
        table = read_mounts()
        try:
            real = os.path.realpath(self._root)
            directory = os.open(self._root, _DIRECTORY)
        except OSError as error:
            return self._away(order.guard, error, table), None
        try:
            status, volume = os.fstat(directory), volume_of(table.of(real), directory)
        except OSError as error:
            return self._away(order.guard, error, table), None
        finally:
            os.close(directory)
        self._beat()
        state, detail = order.guard.verdict(self._root, volume)
        if self._point and volume.point != real:
            state, detail = RootState.MISSING, f"Nothing is mounted on {self._point} (any more)."
        place = Place(state, detail, volume, status.st_dev, identity(status), real)
        if state is not RootState.OK:
            self._distrust()
            return place, None
        return self._watched(place, volume, table, order, hints)

    def _watched(
        self, place: Place, volume: Volume, table: MountTable, order: Order, hints: Hints
    ) -> tuple[Place, Scanner]:
        """Watch a root that is in order, anew if it is another directory than before."""
        parts = self._mounted_inside(table, place.real)
        if self._scanner is None or (volume.fstype, parts) != (self._fstype, self._parts):
            self._fstype, self._parts = volume.fstype, parts
            self._scanner = scanner_for(self._settings, self._folder, volume.fstype, parts)
        place = place._replace(parts=parts)
        mode = mode_for(volume.fstype, self._folder.mode.value)
        state, set_up = OFF, False
        if mode is WatchMode.EVENTS:
            state, set_up = self._watch(place, order, hints)
        watching = mode is WatchMode.EVENTS and state.watching
        return place.watched("events" if watching else "poll", state, set_up=set_up), self._scanner

    def _watch(self, place: Place, order: Order, hints: Hints) -> tuple[HintState, bool]:
        """Prove that events come, or see to it; tell too whether the watcher was set up."""
        other = (
            place.identity != self._identity
        )  # mounted over: its old watch hears nothing of that
        self._identity = place.identity
        state = OFF if other else hints.prove(self._root)
        if not other and ((state.watching and not order.anew) or not order.arm):
            return state, False
        state = hints.watch(self._root, recursive=self._folder.recursive, skip=place.parts)
        self._distrust()  # what changed while nobody watched may not show
        self._beat()
        return state, True

    def _mounted_inside(self, table: MountTable, real: str) -> frozenset[str]:
        """Where other file systems are mounted inside: each is looked at on its own."""
        if not self._folder.recursive:
            return frozenset()
        _, *inside = table.around(real) or (None,)
        points = (self._root.rstrip("/") + one.point[len(real.rstrip("/")) :] for one in inside)
        rules = name_rules(self._settings, self._folder)
        top = self._folder.path
        return frozenset(
            point
            for point in points
            if moved_below(self._settings, point) is None
            and not isinstance(
                rules.classify_path(os.path.relpath(point, top), is_dir=True), Ignored
            )
        )

    def _away(self, guard: Guard, error: OSError, table: MountTable) -> Place:
        """Say what is wrong with a root that cannot be opened."""
        self._distrust()
        self._identity = None
        state, detail = root_trouble(self._root, error)
        mounted = frozenset(mount.point for mount in table.mounts)
        if isinstance(error, FileNotFoundError):
            detail = guard.missing(self._root, mounted, neighbours(self._root))
        elif guard.known is not None and guard.known.volume.point not in mounted:
            state, detail = RootState.MISSING, not_mounted(guard.known.volume)
        return Place(state, detail)

    def _distrust(self) -> None:
        if self._scanner is not None:
            self._scanner.distrust()


def _topmost(directories: Iterable[str]) -> list[str]:
    """The directories that do not lie in another one of them."""
    found: list[str] = []
    for one in sorted(directories, key=lambda path: path.split("/")):
        if not found or not one.startswith(found[-1] + "/"):
            found.append(one)
    return found
