"""How a file is opened: below the root that it lies in, and in the lane of its disk (rules R5)."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ingestd.checksums.root import Root
from ingestd.probe import open_below

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Folder

#: The lane of looks into files, by disk.
LANE = "probe"
#: Stands for the device of a root that is not in order: none has this number.
NO_DEVICE = -1


@dataclass(frozen=True, slots=True)
class Ground:
    """The root that a file is opened below: a folder's, or that of a disk mounted inside one."""

    root: str
    device: int | None  # `st_dev`; None: it is not in order
    volume: str | None  # how rows name its file system


def _not_in_order(root: str) -> int:
    raise OSError(errno.ESTALE, "the folder is not in order", root)


class Openings:
    """Opens files so that what was judged is what is read, and a dead share holds up no other."""

    def __init__(
        self,
        folder_of: Callable[[str], Folder | None],
        ground_of: Callable[[str], Ground | None],
    ) -> None:
        """Take the room.

        Args:
            folder_of: names the watched folder that a path lies in, if any.
            ground_of: names the root that it is opened below; None: no watched folder's.
        """
        self._folder_of, self._ground_of = folder_of, ground_of

    def volume_of(self, path: str) -> str | None:
        """How rows name the file system that a path lies on; None: not known."""
        ground = self._ground_of(path)
        return ground.volume if ground else None

    def root_of(self, path: str) -> Root | None:
        """The watched folder of a path, in which its markers and lists lie; None: it has none."""
        folder = self._folder_of(path)
        if folder is None:
            return None
        ground = self._ground_of(str(folder.path))
        device = ground.device if ground is not None else None
        here = NO_DEVICE if device is None else device
        return Root(str(folder.path), folder.follow_symlinks, here)

    def lane_of(self, path: str) -> str:
        """The lane in which what lies beside a path is looked at."""
        return self.lane(LANE, path)

    def lane(self, kind: str, path: str) -> str:
        """The lane for a look into a file: a dead share holds up no other disk's."""
        folder, ground = self._folder_of(path), self._ground_of(path)
        if folder is None or ground is None:
            return f"{kind} "
        part = "" if ground.root == str(folder.path) else f" {ground.root}"
        return f"{kind} {folder.name}{part}"

    def opener(self, path: str) -> Callable[[], int]:
        """A function that opens a file below its folder's root, or its own directory.

        What lies at the path of a root that is not in order is not opened: it may be the empty
        directory below a mount, or another disk.
        """
        folder, ground = self._folder_of(path), self._ground_of(path)
        if folder is None or ground is None:
            parent, name = os.path.split(path)
            return lambda: open_below(parent, name, follow_symlinks=False)
        root, device, follow = ground.root, ground.device, folder.follow_symlinks
        relative = os.path.relpath(path, root)
        if device is None:
            return partial(_not_in_order, root)
        return lambda: open_below(root, relative, follow_symlinks=follow, device=device)
