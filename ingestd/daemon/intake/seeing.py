"""Seeing: scans, hints and looks, and what each tells about a path (rules R5)."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.daemon.intake.folders import Watched, deepest, name_rules, watches
from ingestd.daemon.intake.folderwork import FolderWorker, Order
from ingestd.daemon.intake.quieting import Quieting
from ingestd.daemon.intake.renames import Renames
from ingestd.daemon.intake.standing import Standing
from ingestd.daemon.messages import LookedAt, ScanEnded
from ingestd.journal import DamagedRowError
from ingestd.lifecycle import UNSENT, events
from ingestd.model import Reason, State
from ingestd.watch.entries import VANISHED, EntryKind, RootState, ScanReport
from ingestd.watch.mounts import is_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.brake import Brake
    from ingestd.daemon.intake.judging import Judging
    from ingestd.daemon.messages import Hint, HintsLost, Listed, MountsChanged, ScanBegun
    from ingestd.model import Item, Stat
    from ingestd.settle import SettleTracker
    from ingestd.watch.entries import Entry
    from ingestd.watch.hints import Hints
    from ingestd.watch.volumes import Volume

#: Looks in one job; more wait for the next, so that a scan is not held up for long.
MOST_LOOKS = 2000
#: What one pass missed is looked for by the next this soon, seconds: a pass over directories that
#: did not change costs next to nothing, and a vanished file must not hold up the queue.
ABSENT_S = 5.0
#: So many of the rows that are sent next are looked at after each pass, however long the queue is.
NEXT_TO_GO = 200
#: Reasons that are looked into again by themselves (interface 2).
BY_THEMSELVES = frozenset({Reason.INCOMPLETE, Reason.EMPTY, Reason.UNREADABLE})


class Seeing:
    """The desk that knows what lies in the folders."""

    def __init__(
        self,
        ctx: Context,
        tracker: SettleTracker,
        judging: Judging,
        brake: Brake,
        hints: Hints,
    ) -> None:
        self._ctx, self._tracker, self._judging, self._hints = ctx, tracker, judging, hints
        self._brake = brake
        self._stop = threading.Event()
        self._again: set[str] = set()  # paths that a person wants looked into again
        self.standing = Standing(ctx)
        self.quieting = Quieting(ctx)
        #: Told of events at names that are no videos: a marker or a checksum list may be there.
        self.others_hinted: Callable[[str], None] = lambda _: None
        self.renames = Renames(ctx, tracker, judging, self._look_later)
        self.watched: dict[str, Watched] = {}
        self.parts: dict[str, Watched] = {}  # file systems that are mounted inside, by key
        self._watch_all()
        ctx.listeners.append(self._moved)

    def _moved(self, before: Item | None, after: Item) -> None:
        """A row whose file was replaced: what stands there now is looked at soon."""
        del before
        if after.state is State.GONE and after.reason is Reason.REPLACED:
            self._look_later(after.path)

    def _watch_all(self) -> None:
        settings = self._ctx.settings
        for folder in settings.folders:
            rules, worker = name_rules(settings, folder), FolderWorker(settings, folder)
            self.watched[folder.name] = Watched(folder, worker, rules)
        self.standing.look_for_twins(self.watched)

    def reconfigure(self) -> None:
        """Follow changed settings: new folders are scanned, others are let go."""
        before, self.watched = self.watched, {}
        while self.parts:  # they are met again
            self._let_go(self.parts.popitem()[1])
        self._watch_all()
        for name, old in before.items():
            new = self.watched.get(name)
            if new is None or new.root != old.root:
                self._tracker.forget_folder(name)
            if new is None or watches(new.folder) != watches(old.folder):
                self._hints.unwatch(old.root)

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._hints.close()

    def all(self) -> tuple[Watched, ...]:
        """The folders, then their parts."""
        return (*self.watched.values(), *self.parts.values())

    def parts_of(self, name: str) -> list[Watched]:
        """The parts of a folder."""
        return [one for one in self.parts.values() if one.name == name]

    def _by_key(self, key: str) -> Watched | None:
        return self.watched.get(key) or self.parts.get(key)

    def scan_now(self, *, full: bool = False) -> None:
        """Scan every folder at the next step; `full`: look at every file, one may be forgotten."""
        for watched in self.all():
            watched.next_full = self._ctx.now.mono if full else watched.next_full
            self.scan_soon(watched)

    def trust(self, watched: Watched, volume: Volume) -> None:
        """A person says that this is the right file system for a folder."""
        self.standing.trust(watched, volume)
        self.scan_soon(watched)

    def scan_soon(self, watched: Watched) -> None:
        """Scan a folder at the next step, or once more when the pass under way is over."""
        watched.next_scan, watched.again = self._ctx.now.mono, watched.scanning

    # --- asking the workers -----------------------------------------------------------------

    def tick(self) -> float | None:
        """Start what is due; say when to come again (monotonic)."""
        if self._ctx.stopping:
            return None
        mono = self._ctx.now.mono
        for path in self._tracker.due_looks(mono):
            self._look_later(path)
        deadlines = [self._tracker.next_deadline()]
        for watched in self.all():
            if not watched.scanning and watched.next_scan <= mono:
                self._scan(watched)
            if watched.looks and not watched.looking:
                self._look(watched)
            deadlines.append(None if watched.scanning else watched.next_scan)
            deadlines.append(self.standing.notice_hanging(watched))
        return min((at for at in deadlines if at is not None), default=None)

    def _scan(self, watched: Watched) -> None:
        mono, worker, stop = self._ctx.now.mono, watched.worker, self._stop
        full = watched.passes == 0 or mono >= watched.next_full
        if full:
            watched.next_full = mono + watched.folder.full_rescan_interval
        self._begins(watched)
        watched.scanning, watched.listing, watched.again = True, None, False
        watched.full, watched.listed = full, set()
        hints, post = self._hints, self._ctx.inbox.post
        watched.begun_wall = self._ctx.now.wall
        watched.arming.begins()
        order = self._order(watched, full=full)
        broke = ScanEnded(
            watched.key, ScanReport(RootState.UNREADABLE, "The scan broke; it is tried again.")
        )
        self._ctx.workers.submit(
            f"folder {watched.key}",
            lambda: worker.run_pass(order, hints=hints, stop=stop, post=post),
            broke,
        )

    def _order(self, watched: Watched, *, full: bool) -> Order:
        """What a pass or a look is told."""
        return Order(
            self.standing.guard(watched),
            full=full,
            arm=watched.arming.may(self._ctx.now.mono),
            anew=bool(watched.arming.doubt),
            others=self.standing.others(watched),
        )

    def _look(self, watched: Watched) -> None:
        device = watched.device
        if device is None:  # the next pass looks at everything
            watched.looks.clear()
            return
        paths = tuple(watched.looks)[:MOST_LOOKS]
        watched.looks.difference_update(paths)
        self._begins(watched)
        watched.looking, watched.in_look = True, frozenset(paths)
        worker, order = watched.worker, self._order(watched, full=False)
        stop, post = self._stop, self._ctx.inbox.post
        self._ctx.workers.submit(
            f"folder {watched.key}",
            lambda: worker.look(paths, device, order, stop=stop, post=post),
            LookedAt(watched.key, (), ()),
        )

    def _begins(self, watched: Watched) -> None:
        """A folder's lane gets work: from now on it is expected to give signs of life."""
        if not (watched.scanning or watched.looking):
            watched.heard_at, watched.steps = self._ctx.now.mono, watched.worker.steps

    def _look_later(self, path: str) -> None:
        watched = self.folder_of(path)
        if watched is not None:
            watched.looks.add(path)
        else:  # added by hand and not readable then: nobody watches it
            self._tracker.gone(path)

    def look_again(self, path: str) -> bool:
        """Look into a file again although it is known; False: it lies in no watched folder."""
        watched = self.folder_of(path)
        if watched is None:
            return False
        self._again.add(path)
        watched.looks.add(path)
        return True

    def folder_of(self, path: str) -> Watched | None:
        """The deepest watched folder, or part of one, above a path."""
        return deepest(self.all(), path)

    def owner_of(self, path: str) -> Watched | None:
        """The deepest watched folder above a path, whatever is mounted inside it."""
        return deepest(self.watched.values(), path)

    # --- what they answer -------------------------------------------------------------------

    def hinted(self, message: Hint) -> None:
        """Something happened at a path: look at it soon."""
        watched = self.folder_of(message.path)
        if watched is None:
            return
        if message.path == watched.root:
            self.scan_soon(watched)
        elif not watched.is_no_video(message.path):
            watched.looks.add(message.path)
        else:
            self.others_hinted(message.path)

    def hints_lost(self, message: HintsLost) -> None:
        """Events were lost: scan."""
        event = "watch.broken" if message.why else "watch.overflow"
        for watched in self.all():
            if message.root in (None, watched.root):
                if message.why or not watched.arming.overflowed:  # else it was told already
                    self._ctx.log.warning(event, root=watched.root, detail=message.why or None)
                watched.arming.overflowed = True
                self.scan_soon(watched)

    def mounts_changed(self, message: MountsChanged) -> None:
        """Look again at the folders whose own mounts changed."""
        for watched in self.all():
            real = watched.place.real if watched.place and watched.place.real else watched.root
            mounts = message.table.around(real)
            if mounts != watched.mounts:
                watched.mounts = mounts
                self.scan_soon(watched)

    def scan_begun(self, message: ScanBegun) -> None:
        """Note where the folder lies and how it is watched."""
        watched = self._by_key(message.folder)
        if watched is not None:
            self.standing.begun(watched, message.place, [one.root for one in self.all()])
            self._follow_parts(watched)

    def _follow_parts(self, watched: Watched) -> None:
        """Look on their own at the file systems that are mounted inside a folder."""
        if watched.point or not watched.in_order or watched.place is None:
            return  # what is inside says itself whether it is there
        wanted = {one for one in watched.place.parts if self.owner_of(one) is watched}
        mine = {one.point: one for one in self.parts.values() if one.name == watched.name}
        for point in mine.keys() - wanted:
            self._let_go(self.parts.pop(mine[point].key))
        for point in wanted - mine.keys():
            worker = FolderWorker(self._ctx.settings, watched.folder, point)
            part = Watched(watched.folder, worker, watched.names, point)
            self.parts[part.key] = part

    def _let_go(self, watched: Watched) -> None:
        """Watch no longer; in its lane, for it may hang."""
        hints, root = self._hints, watched.root
        self._ctx.workers.submit(f"folder {watched.key}", lambda: hints.unwatch(root))

    def listed(self, message: Listed) -> None:
        """Compare a directory with the journal."""
        watched = self._by_key(message.folder)
        if watched is None:
            return
        self.standing.answered(watched)
        if not watched.in_order:  # the same directory as another folder's
            return
        listing = message.listing
        if watched.listing is None or watched.listing[0] != listing.directory:
            watched.listing = (listing.directory, self._known_in(listing.directory), set())
        _, known, seen = watched.listing
        for entry in listing.entries:
            name = entry.path.rsplit("/", 1)[-1]
            seen.add(name)
            self._was_announced(watched, entry, known)
            if known is None:
                self._consider_alone(watched, entry)
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

    def _consider_alone(self, watched: Watched, entry: Entry) -> None:
        """Consider a path by its own row; a damaged one is left alone (rules R8)."""
        try:
            item = self._ctx.journal.current(entry.path)
        except DamagedRowError as error:
            self._ctx.log.warning("journal.trouble", path=entry.path, detail=str(error))
            self._tracker.gone(entry.path)
        else:
            self.consider(watched, entry, item)

    def _missed(self, watched: Watched, known: dict[str, Item], seen: set[str]) -> None:
        for name, item in known.items():
            if name not in seen and item.state in UNSENT and watched.holds(item):
                watched.absent.setdefault(item.path, watched.passes)

    def scan_ended(self, message: ScanEnded) -> None:
        """Note how the pass went; what two passes missed is looked for once more, then gone."""
        watched = self._by_key(message.folder)
        if watched is None:
            return
        watched.scanning = False
        self.standing.ended(watched, message.report)
        soon = 0.0 if watched.again and watched.in_order else watched.interval()
        watched.next_scan = self._ctx.now.mono + soon
        if message.report.ok and message.report.complete:
            self._brake.pass_over(watched.root)
        if not watched.in_order:
            watched.absent.clear()  # absence is no fact while the root is suspect (rules R5)
            return
        due = [path for path, since in watched.absent.items() if since < watched.passes - 1]
        watched.looks.update(due)
        watched.looks.update(self._next_to_go(watched))
        if watched.full and message.report.complete:
            watched.looks.update(self._in_lost_directories(watched, message.report))
        if watched.absent and len(due) < len(watched.absent):
            soon = self._ctx.now.mono + min(watched.interval(), ABSENT_S)
            watched.next_scan = min(watched.next_scan, soon)

    def _next_to_go(self, watched: Watched) -> list[str]:
        """The files that are sent next: a rewrite in place shows in no directory's mtime.

        The others are looked at by full passes, and each again when it is opened to be sent.
        """
        due = self._ctx.journal.due(State.QUEUED, math.inf, NEXT_TO_GO)
        return [item.path for item in due if item.folder == watched.name]

    def _in_lost_directories(self, watched: Watched, report: ScanReport) -> list[str]:
        """Unsent files in directories that a full pass did not meet: removed with all in them.

        Below what could not be read, and below other file systems, nothing is called absent.
        """
        closed = [trouble.path for trouble in report.troubles] + list(report.other_devices)
        lost: list[str] = []
        for directory in self._ctx.journal.known_directories(watched.root):
            hidden = any(directory == one or directory.startswith(one + "/") for one in closed)
            if directory in watched.listed or hidden or self.folder_of(directory) is not watched:
                continue
            known = self._known_in(directory) or {}
            lost += [
                item.path for item in known.values() if item.state in UNSENT and watched.holds(item)
            ]
        watched.listed = set()
        return lost

    def looked_at(self, message: LookedAt) -> None:
        """Consider what a targeted look saw."""
        watched = self._by_key(message.folder)
        if watched is None:
            return
        watched.looking, watched.in_look = False, frozenset()
        self.standing.answered(watched)
        if message.entries is None:
            self.scan_soon(watched)
            return
        for path in set(message.asked).difference(entry.path for entry in message.entries):
            self._tracker.gone(path)  # not ours any more, after a change of include or exclude
        for entry in message.entries:
            if entry.kind is not EntryKind.DIRECTORY or entry.stat is None:
                self._consider_alone(watched, entry)

    # --- deciding what a sight means --------------------------------------------------------

    def consider(self, watched: Watched, entry: Entry, item: Item | None) -> None:
        """Decide what one sight of a path means."""
        if entry.error == VANISHED:
            self._not_there(watched, entry.path, item)
            return
        watched.absent.pop(entry.path, None)
        if item is not None and item.folder is not None and item.folder not in self.watched:
            # the folder has another name in the configuration now (rules R6)
            named = replace(item, folder=watched.name)
            item = self._ctx.journal.revise(item, named, self._ctx.now.wall)
        if entry.stat is None:
            self._tracker.trouble(
                entry.path, entry.error or "", self._ctx.now.mono, folder=watched.name
            )
        elif entry.kind is not EntryKind.FILE or entry.refused_extension:
            self._judging.refuse_unseen(watched.folder, entry, item)
        elif entry.path in self._again:
            self._again.discard(entry.path)
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
        elif item.stat is not None and item.state in UNSENT and item.stat != entry.stat:
            # the same file under another device number, after a remount or a reboot
            same = replace(item, stat=entry.stat, volume=watched.volume_id)
            self._ctx.journal.revise(item, same, self._ctx.now.wall)

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
        same = item.stat.size == stat.size and item.stat.mtime_ns == stat.mtime_ns
        if is_network(watched.fstype):  # inodes and ctimes change across remounts there
            return same
        return same and item.stat.inode == stat.inode and item.stat.ctime_ns == stat.ctime_ns

    def _not_there(self, watched: Watched, path: str, item: Item | None) -> None:
        self._tracker.gone(path)
        self._again.discard(path)
        self._judging.drop_wishes(path)
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
        self._ctx.apply(item, events.Vanished(self._ctx.unconfirmed_at(item)))
