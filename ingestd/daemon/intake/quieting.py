"""The quiet time of each folder: learned from its files, remembered in the journal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ingestd import quiet

if TYPE_CHECKING:
    from ingestd.config import Folder
    from ingestd.daemon.context import Context

#: Meta key: what was learned, by the folder's path.
META = "quiet"


class Quieting:
    """Knows for how long the files of a folder must be quiet."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        told = ctx.journal.meta(META, {})
        entries = told.items() if isinstance(told, dict) else ()
        self._learned = {
            path: quiet.Learned(float(one["quiet"]), float(one["at"])) for path, one in entries
        }

    def of(self, folder: Folder) -> float:
        """The quiet time in force, seconds."""
        learned = self._learned.get(str(folder.path))
        return quiet.quiet_for(learned, folder.settle, self._ctx.now.wall)

    def paused(self, folder: Folder, pause: float) -> None:
        """A file changed again after so long a pause, seconds."""
        path, wall = str(folder.path), self._ctx.now.wall
        learned = quiet.learn(self._learned.get(path), folder.settle, pause, wall)
        if learned is None:
            return
        self._learned[path] = learned
        told = {place: asdict(one) for place, one in self._learned.items()}
        self._ctx.journal.set_meta(META, told)
        self._ctx.log.info(
            "folder.slower",
            folder=folder.name,
            detail=f"A file grew again after a pause of {pause:.0f} s: files here must be quiet "
            f"for {learned.quiet:.0f} s from now on.",
        )
