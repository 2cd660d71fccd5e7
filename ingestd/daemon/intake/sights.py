"""What a sight of a path means: new, known, changed, renamed, or not there (rules R4, R5, R6)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.daemon.intake.quieting import Quieting
from ingestd.daemon.intake.renames import Renames
from ingestd.journal import DamagedRowError
from ingestd.lifecycle import UNSENT, events
from ingestd.model import Reason, State
from ingestd.watch.entries import VANISHED, EntryKind, ScanReport
from ingestd.watch.mounts import is_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.brake import Brake
    from ingestd.daemon.intake.folders import Watched
    from ingestd.daemon.intake.judging import Judging
    from ingestd.model import Item, Stat
    from ingestd.settle import SettleTracker
    from ingestd.watch.entries import Entry, Listing

#: What one pass missed is looked for by the next this soon, seconds: a pass over directories that
#: did not change costs next to nothing, and a vanished file must not hold up the queue.
ABSENT_S = 5.0
#: So many of the rows that are sent next are looked at after each pass, however long the queue is.
NEXT_TO_GO = 200
#: Reasons that are looked into again by themselves (interface 2).
BY_THEMSELVES = frozenset({Reason.INCOMPLETE, Reason.EMPTY, Reason.UNREADABLE})


class Sights:
    """Compares what scans and looks see with the journal; part of `Seeing`."""

    def __init__(
        self,
        ctx: Context,
        tracker: SettleTracker,
        judging: Judging,
        brake: Brake,
        folder_of: Callable[[str], Watched | None],
        is_configured: Callable[[str], bool],
        look_later: Callable[[str], None],
    ) -> None:
        """Take the room.

        Args:
            ctx: the loop's surroundings.
            tracker: what settles.
            judging: refuses by name, and remembers what people asked of a path.
            brake: counts what a first look sees.
            folder_of: the deepest watched folder, or part of one, above a path.
            is_configured: tells whether a folder of that name is watched.
            look_later: has a path looked at again soon.
        """
        self._ctx, self._tracker, self._judging, self._brake = ctx, tracker, judging, brake
        self._folder_of, self._is_configured = folder_of, is_configured
        self.again: set[str] = set()  # paths that a person wants looked into again
        self.quieting = Quieting(ctx)
        self.renames = Renames(ctx, tracker, judging.recording, look_later)

    # --- a directory --------------------------------------------------------------------------

    def listed(self, watched: Watched, listing: Listing) -> None:
        """Compare a piece of a directory with the journal."""
        if watched.listing is None or watched.listing[0] != listing.directory:
            watched.listing = (listing.directory, self._known_in(listing.directory), set())
        _, known, seen = watched.listing
        for entry in listing.entries:
            name = entry.path.rsplit("/", 1)[-1]
            seen.add(name)
            self._was_announced(watched, entry, known)
            if known is None:
                self.consider_alone(watched, entry)
            else:
                self.consider(watched, entry, known.get(name))
        if listing.last:
            if watched.full:
                watched.listed.add(listing.directory)
            self._missed(watched, known or {}, seen)
            watched.listing = None

    def _was_announced(self, watched: Watched, entry: Entry, known: dict[str, Item] | None) -> None:
        """Count a file that only the scan found, although events are believed to come."""
        if watched.mode != "events" or not watched.scanning or not watched.passes:
            return
        path, stat = entry.path, entry.stat
        if known is None or stat is None or path.rsplit("/", 1)[-1] in known:
            return
        if path in watched.looks or path in watched.in_look or path in self._tracker:
            return
        watched.arming.unannounced += watched.arming.is_news(
            stat.ctime_ns / 1e9, watched.begun_wall
        )

    def _known_in(self, directory: str) -> dict[str, Item] | None:
        """The rows of a directory; None: one is damaged, they must be taken one by one."""
        try:
            return self._ctx.journal.known_in(directory)
        except DamagedRowError:
            return None

    def _missed(self, watched: Watched, known: dict[str, Item], seen: set[str]) -> None:
        for name, item in known.items():
            if name not in seen and item.state in UNSENT and watched.holds(item):
                watched.absent.setdefault(item.path, watched.passes)

    def next_to_go(self, watched: Watched) -> list[str]:
        """The files that are sent next: a rewrite in place shows in no directory's mtime.

        The others are looked at by full passes, and each again when it is opened to be sent.
        """
        due = self._ctx.journal.due(State.QUEUED, math.inf, NEXT_TO_GO)
        return [item.path for item in due if item.folder == watched.name]

    def in_lost_directories(self, watched: Watched, report: ScanReport) -> list[str]:
        """Unsent files in directories that a full pass did not meet: removed with all in them.

        Below what could not be read, and below other file systems, nothing is called absent.
        """
        closed = [trouble.path for trouble in report.troubles] + list(report.other_devices)
        lost: list[str] = []
        for directory in self._ctx.journal.known_directories(watched.root):
            hidden = any(directory == one or directory.startswith(one + "/") for one in closed)
            if directory in watched.listed or hidden or self._folder_of(directory) is not watched:
                continue
            known = self._known_in(directory) or {}
            lost += [
                item.path for item in known.values() if item.state in UNSENT and watched.holds(item)
            ]
        watched.listed = set()
        return lost

    # --- a path -------------------------------------------------------------------------------

    def consider_alone(self, watched: Watched, entry: Entry) -> None:
        """Consider a path by its own row; a damaged one is left alone (rules R8)."""
        try:
            item = self._ctx.journal.current(entry.path)
        except DamagedRowError as error:
            self._ctx.log.warning("journal.trouble", path=entry.path, detail=str(error))
            self._tracker.gone(entry.path)
        else:
            self.consider(watched, entry, item)

    def consider(self, watched: Watched, entry: Entry, item: Item | None) -> None:
        """Decide what one sight of a path means."""
        if entry.error == VANISHED:
            self._not_there(watched, entry.path, item)
            return
        watched.absent.pop(entry.path, None)
        if item is not None and item.folder is not None and not self._is_configured(item.folder):
            item = self._under_new_name(watched, item)
        if entry.stat is None:
            self._tracker.trouble(
                entry.path, entry.error or "", self._ctx.now.mono, folder=watched.name
            )
        elif entry.kind is not EntryKind.FILE or entry.refused_extension:
            self._judging.refuse_unseen(watched.folder, entry, item)
        elif entry.path in self.again:
            self.again.discard(entry.path)
            self._tracker.observe(
                entry.path, entry.stat, self._ctx.now.mono, quiet=0.0, folder=watched.name
            )
            self._tracker.force(entry.path)
        elif item is None or not self._settled_before(watched, item, entry.stat):
            if self.renames.may_be(entry):
                return
            if item is None:
                self._brake.sighted(entry.path, entry.stat)
            self._observe(watched, entry.path, entry.stat, item)
        else:
            self._as_known(watched, item, entry.stat)

    def _under_new_name(self, watched: Watched, item: Item) -> Item | None:
        """The folder has another name in the configuration now (rules R6)."""
        item_now = self._as_it_is(item)
        if item_now is None or item_now.folder == watched.name:
            return item_now
        named = replace(item_now, folder=watched.name)
        return self._ctx.journal.revise(item_now, named, self._ctx.now.wall)

    def _as_it_is(self, item: Item) -> Item | None:
        """A row by now: what is known of a directory was read when its first piece came."""
        item_now = self._ctx.journal.item(item.id)
        return item_now if item_now is not None and item_now.path == item.path else None

    def _as_known(self, watched: Watched, item: Item, stat: Stat) -> None:
        """A file is as its row tells, whatever was seen of it before."""
        self._tracker.known(item.path)
        if item.stat is None or item.state not in UNSENT or item.stat == stat:
            return
        item_now = self._as_it_is(item)
        if item_now is not None and item_now.state in UNSENT:
            # the same file under another device number, after a remount or a reboot; or with the
            # other one of its times, for what is sent must be what its row tells of
            same = replace(item_now, stat=stat, volume=watched.volume_id)
            self._ctx.journal.revise(item_now, same, self._ctx.now.wall)

    def _observe(self, watched: Watched, path: str, stat: Stat, item: Item | None) -> None:
        """Let a file settle; one that was written to again after its quiet time teaches us."""
        pause = self._tracker.observe(
            path,
            stat,
            self._ctx.now.mono,
            quiet=self.quieting.of(watched.folder),
            folder=watched.name,
        )
        known = item.stat if item is not None else None
        if pause is None and known is not None and known.inode == stat.inode:
            grew = known.size < stat.size
            pause = (stat.mtime_ns - known.mtime_ns) / 1e9 if grew else None
        if pause is not None:
            self.quieting.paused(watched.folder, pause)

    def _settled_before(self, watched: Watched, item: Item, stat: Stat) -> bool:
        """Tell whether the journal knows this very file and nothing is left to look into."""
        if item.state is State.GONE or item.stat is None:
            return False
        if item.state is State.REJECTED and item.reason in BY_THEMSELVES:
            return False
        if not watched.holds(
            item
        ):  # the same path on another disk: another file, until it is proven
            return False
        known = (item.stat, *self._judging.recording.also(item))
        if is_network(watched.fstype):  # inodes and ctimes change across remounts there
            return any((one.size, one.mtime_ns) == (stat.size, stat.mtime_ns) for one in known)
        return any(_but_for_device(one) == _but_for_device(stat) for one in known)

    def _not_there(self, watched: Watched, path: str, item: Item | None) -> None:
        self._tracker.gone(path)
        self.again.discard(path)
        self._judging.asked.drop(path)
        if item is None or item.state not in UNSENT or not watched.in_order:
            return
        if not watched.holds(item):  # it lies on a file system that is not here now
            return
        missed_in = watched.absent.setdefault(path, watched.passes)
        if missed_in >= watched.passes - 1:
            soon = self._ctx.now.mono + min(watched.folder.poll_interval, ABSENT_S)
            watched.next_scan = min(watched.next_scan, soon)
            return
        del watched.absent[path]
        item_now = self._as_it_is(item)
        if item_now is not None and item_now.state in UNSENT:
            self._ctx.apply(item_now, events.Vanished(self._ctx.unconfirmed_at(item_now)))


def _but_for_device(stat: Stat) -> tuple[int, int, int, int]:
    """What stays over a remount of a local disk."""
    return stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode
