"""Seeing: when folders are scanned and looked at, and what starts it (rules R5)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ingestd.daemon.intake.folders import Watched, deepest, name_rules, watches
from ingestd.daemon.intake.folderwork import FolderWorker, Order
from ingestd.daemon.intake.sights import ABSENT_S, Sights
from ingestd.daemon.intake.standing import Standing
from ingestd.daemon.messages import LookedAt, ScanEnded
from ingestd.model import Reason, State
from ingestd.watch.entries import EntryKind, RootState, ScanReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.brake import Brake
    from ingestd.daemon.intake.judging import Judging
    from ingestd.daemon.messages import Hint, HintsLost, Listed, MountsChanged, ScanBegun
    from ingestd.model import Item
    from ingestd.settle import SettleTracker
    from ingestd.watch.hints import Hints
    from ingestd.watch.volumes import Volume

#: Looks in one job; more wait for the next, so that a scan is not held up for long.
MOST_LOOKS = 2000


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
        self._era = 0  # reloads so far
        self.standing = Standing(ctx)
        #: Told of events at names that are no videos: a marker or a checksum list may be there.
        self.others_hinted: Callable[[str], None] = lambda _: None
        self.sights = Sights(
            ctx,
            tracker,
            judging,
            brake,
            self.folder_of,
            lambda name: name in self.watched,
            self._look_later,
        )
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
            rules = name_rules(settings, folder)
            worker = FolderWorker(settings, folder, era=self._era)
            self.watched[folder.name] = Watched(folder, worker, rules, era=self._era)
        self.standing.look_for_twins(self.watched)

    def reconfigure(self) -> None:
        """Follow changed settings: new folders are scanned, others are let go.

        Passes that began before end, and what they say is not heard: it may be about another path,
        by other rules, and half a pass is no first look.
        """
        self._stop.set()
        self._stop, self._era = threading.Event(), self._era + 1
        before, self.watched = self.watched, {}
        while self.parts:  # they are met again
            self._hints.unwatch(self.parts.popitem()[1].root)
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

    def _by_address(self, address: str) -> Watched | None:
        key = address.partition("\0")[0]
        found = self.watched.get(key) or self.parts.get(key)
        return found if found is not None and found.address == address else None

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
        roots = self.standing.asks_roots_until()
        deadlines = [self._tracker.next_deadline()]
        for watched in self.all():
            if roots is None and not watched.scanning and watched.next_scan <= mono:
                self._scan(watched)
            if watched.looks and not watched.looking:
                self._look(watched)
            deadlines.append(None if watched.scanning else max(watched.next_scan, roots or 0.0))
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
            watched.address, ScanReport(RootState.UNREADABLE, "The scan broke; it is tried again.")
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
            LookedAt(watched.address, (), ()),
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
        self.sights.again.add(path)
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
        if watched is None or message.path in watched.looks:  # it was told of already
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
        watched = self._by_address(message.folder)
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
            self._hints.unwatch(self.parts.pop(mine[point].key).root)
        for point in wanted - mine.keys():
            worker = FolderWorker(self._ctx.settings, watched.folder, point, self._era)
            part = Watched(watched.folder, worker, watched.names, point, self._era)
            self.parts[part.key] = part

    def listed(self, message: Listed) -> None:
        """Compare a directory with the journal."""
        watched = self._by_address(message.folder)
        if watched is None:
            return
        self.standing.answered(watched)
        if not watched.in_order:  # the same directory as another folder's
            return
        self.sights.listed(watched, message.listing)

    def scan_ended(self, message: ScanEnded) -> None:
        """Note how the pass went; what two passes missed is looked for once more, then gone."""
        watched = self._by_address(message.folder)
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
        watched.looks.update(self.sights.next_to_go(watched))
        if watched.full and message.report.complete:
            watched.looks.update(self.sights.in_lost_directories(watched, message.report))
        if watched.absent and len(due) < len(watched.absent):
            soon = self._ctx.now.mono + min(watched.interval(), ABSENT_S)
            watched.next_scan = min(watched.next_scan, soon)

    def looked_at(self, message: LookedAt) -> None:
        """Consider what a targeted look saw."""
        watched = self._by_address(message.folder)
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
                self.sights.consider_alone(watched, entry)
