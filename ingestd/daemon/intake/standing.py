"""How each folder stands: which disk is there, does it answer, do events come (rules R5)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ingestd.daemon.intake.guarding import Volumes, notice_hanging
from ingestd.daemon.messages import RootSeen
from ingestd.watch.entries import RootState
from ingestd.watch.guard import Guard
from ingestd.watch.twins import identity_at, twin_words, twins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.folders import Watched
    from ingestd.daemon.messages import Place
    from ingestd.watch.entries import ScanReport
    from ingestd.watch.volumes import Volume

#: So long the passes wait for the roots to say which directories they are; one that hangs does not.
ROOTS_S = 2.0


class Standing:
    """What is told of the folders' roots, and who is told of it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._roots: dict[str, tuple[int, int]] = {}  # by path: device and inode
        self._asked: set[str] = set()  # paths that have not said yet which directory they are
        self._asked_until = 0.0
        self.volumes = Volumes(ctx)
        self.mended: list[Callable[[str], None]] = []  # told of folders that are in order anew
        self.hanging: list[Callable[[str], None]] = []  # of folders that do not answer

    def look_for_twins(self, watched: Mapping[str, Watched]) -> None:
        """Find out, at a start or a reload, which directories the folders' paths lead to.

        Each is asked in its own lane, for it may hang; what was known before stays so until the
        next pass says otherwise. A single folder is nobody's twin.
        """
        roots = {one.root: one.key for one in watched.values()}
        self._roots = {path: known for path, known in self._roots.items() if path in roots}
        new = roots.keys() - self._roots.keys() if len(roots) > 1 else set()
        self._asked, self._asked_until = set(new), self._ctx.now.mono + ROOTS_S
        for path in new:
            self._ctx.workers.submit(
                f"folder {roots[path]}",
                partial(_seen, path),
                RootSeen(path, None),
            )

    def root_seen(self, message: RootSeen) -> None:
        """A folder's path says which directory it is."""
        if message.root in self._asked:
            self._asked.discard(message.root)
            if message.identity is not None:
                self._roots[message.root] = message.identity

    def asks_roots_until(self) -> float | None:
        """Until when passes wait (monotonic), so that none lists another folder; None: they do not.

        A path that does not answer by then is that of a hung share, which holds up no other: if it
        is another folder's directory after all, its own first pass says so.
        """
        waits = self._asked and self._ctx.now.mono < self._asked_until
        return self._asked_until if waits else None

    def others(self, watched: Watched) -> frozenset[tuple[int, int]]:
        """The other folders' roots, which may be met below this one by another path."""
        return frozenset(one for path, one in self._roots.items() if path != watched.root)

    def begun(self, watched: Watched, place: Place, paths: list[str]) -> None:
        """Take in how a root was found before a pass."""
        place = self._known_once(watched, place, paths)
        before = (watched.fstype, watched.mode, watched.hint_detail)
        self._arrive(watched, place)
        if place.set_up:
            watched.arming.was_set_up(self._ctx.now.mono, self._ctx.now.wall)
        if before != (watched.fstype, watched.mode, watched.hint_detail):
            tell = self._ctx.log.warning if watched.hint_detail else self._ctx.log.info
            tell(
                "watch.mode",
                folder=watched.name,
                path=watched.root,
                mode=watched.mode,
                filesystem=watched.fstype,
                detail=watched.hint_detail or None,
            )
        if place.volume is not None and watched.in_order:
            self._holds(watched, place.volume)

    def guard(self, watched: Watched) -> Guard:
        """What a root is compared with; inside a folder any disk may be mounted."""
        if watched.point:
            return Guard(watched.name, removable=True)
        return self.volumes.guard(watched.folder)

    def _holds(self, watched: Watched, volume: Volume) -> None:
        """Note which file system is in order there."""
        if watched.point:
            if watched.volume_id not in (None, volume.id):
                watched.passes = 0
            watched.volume_id = volume.id
            return
        if self.volumes.found(watched.folder, volume):
            watched.passes = 0  # what the former one held says nothing of this one
            self._ctx.log.info("folder.disk", folder=watched.name, detail=volume.words)
        watched.volume_id = self.volumes.id_of(watched.folder)

    def answered(self, watched: Watched) -> None:
        """A folder's lane gave an answer: it does not hang (any more)."""
        watched.heard_at = self._ctx.now.mono
        if watched.hung and watched.place is not None:
            self._arrive(watched, watched.place)

    def ended(self, watched: Watched, report: ScanReport) -> None:
        """Take in how a pass went."""
        if watched.in_order or not report.ok:  # else it is the same directory as another folder's
            self._told(watched, lambda: watched.report(report, self._ctx.now.wall))
        if not watched.point:
            self.volumes.scanned(watched.folder, report)
        if watched.arming.ended(watched.root):
            self._ctx.log.warning("watch.blind", folder=watched.name, detail=watched.arming.doubt)

    def notice_hanging(self, watched: Watched) -> float | None:
        """Look whether a folder's lane gets answers; say when to look again (monotonic)."""

        def tell(name: str) -> None:
            for told in self.hanging:
                told(name)

        return notice_hanging(self._ctx, watched, tell)

    def trust(self, watched: Watched, volume: Volume) -> None:
        """A person says that this is the right file system for a folder."""
        self.volumes.trust(watched.folder, volume)
        watched.passes = 0

    def _arrive(self, watched: Watched, place: Place) -> None:
        mended = self._told(watched, lambda: watched.arrive(place, self._ctx.now.wall))
        if mended:
            for told in self.mended:
                told(watched.name)

    def _known_once(self, watched: Watched, place: Place, paths: list[str]) -> Place:
        """Refuse a directory that an earlier folder has already, by another path."""
        self._roots.pop(watched.root, None)
        if place.identity is not None and place.state is RootState.OK:
            self._roots[watched.root] = place.identity
        other = twins(paths, self._roots).get(watched.root)
        if other is None:
            return place
        detail = twin_words(watched.root, other)
        return place._replace(state=RootState.UNREADABLE, detail=detail)

    def _told(self, watched: Watched, change: Callable[[], bool]) -> bool:
        """Change how a folder stands, and log it if that is news."""
        before = (watched.state, watched.detail, watched.place is None)
        result = change()
        if before != (watched.state, watched.detail, watched.place is None):
            fine = watched.in_order and not watched.detail
            tell = self._ctx.log.info if fine else self._ctx.log.warning
            detail = watched.detail or None
            tell(f"folder.{watched.state}", folder=watched.name, path=watched.root, detail=detail)
        return result


def _seen(root: str) -> RootSeen:
    """Look which directory lies at a path; runs in its folder's lane."""
    return RootSeen(root, identity_at(root))
