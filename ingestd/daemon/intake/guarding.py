"""What is remembered of each folder's file system, and who notices that one hangs (rules R5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.watch.guard import Guard, Known
from ingestd.watch.volumes import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Folder
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.folders import Watched
    from ingestd.watch.entries import ScanReport
    from ingestd.watch.volumes import Volume

#: Where the journal remembers them, by path: a folder that is renamed stays on its disk.
META = "volumes"
#: A disk or share that gives no sign of life for this long, while it is asked, hangs; seconds.
HUNG_S = 20.0


class Volumes:
    """The file systems that are known at the folders' paths, kept in the journal."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._known = read_known(ctx.journal.meta(META))

    def guard(self, folder: Folder) -> Guard:
        """What a folder's path is compared with."""
        return Guard(folder.name, self._known.get(str(folder.path)), folder.removable)

    def id_of(self, folder: Folder) -> str | None:
        """How rows name the file system of a folder; None: none was seen yet."""
        known = self._known.get(str(folder.path))
        return None if known is None else known.volume.id

    def found(self, folder: Folder, volume: Volume) -> bool:
        """Remember what lies at a path and is in order; tell whether it is another one."""
        known = self._known.get(str(folder.path))
        if known is not None and known.volume.same_as(volume):
            return False
        self._put(folder, Known(volume))
        return known is not None

    def scanned(self, folder: Folder, report: ScanReport) -> None:
        """A pass saw videos: from now on another disk at this path is a foreign one."""
        known = self._known.get(str(folder.path))
        if known is not None and not known.used and report.ok and report.files_seen:
            self._put(folder, replace(known, used=True))

    def trust(self, folder: Folder, volume: Volume) -> None:
        """A person says that this file system is the right one."""
        self._put(folder, Known(volume))

    def _put(self, folder: Folder, known: Known) -> None:
        changed = {**self._known, str(folder.path): known}
        written = {
            path: {"volume": one.volume.document(), "used": one.used}
            for path, one in changed.items()
        }
        self._ctx.journal.set_meta(META, written)
        self._known = changed


def read_known(told: object) -> dict[str, Known]:
    """Read what the journal remembers, by the folders' paths."""
    entries = told.items() if isinstance(told, dict) else ()
    return {path: known for path, one in entries if (known := _read(one)) is not None}


def _read(told: object) -> Known | None:
    volume = read_volume(told.get("volume")) if isinstance(told, dict) else None
    used = isinstance(told, dict) and bool(told.get("used"))
    return None if volume is None else Known(volume, used)


def notice_hanging(ctx: Context, watched: Watched, tell: Callable[[str], None]) -> float | None:
    """Look whether a folder's lane gets answers; say when to look again (monotonic).

    `tell` is told the name of one that does not, once.
    """
    if not (watched.scanning or watched.looking):
        return None
    mono, steps = ctx.now.mono, watched.worker.steps
    if steps != watched.steps or ctx.unrecorded:  # its answer may be there, and not taken in yet
        watched.steps, watched.heard_at = steps, mono
    if mono - watched.heard_at < HUNG_S:
        return watched.heard_at + HUNG_S
    if not watched.hung:
        volume = watched.place.volume if watched.place else None
        what = volume.words if volume is not None else watched.root
        watched.hang(
            f"{what} does not answer: is its server or disk there? The other folders go on, and "
            "this one does by itself when it answers. Nothing is lost.",
            ctx.now.wall,
        )
        ctx.log.warning("folder.hung", folder=watched.name, detail=watched.detail)
        tell(watched.name)
    return None
