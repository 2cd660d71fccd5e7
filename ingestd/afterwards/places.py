"""Where a move may write: on the file system that was there before, never in a watched folder.

What is written below a mount point whose disk is away lands on another disk and is hidden as soon
as the disk is back (field notes), so a destination is looked at before each file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.afterwards.order import KeptError
from ingestd.watch.mounts import read_mounts
from ingestd.watch.volumes import volume_at

if TYPE_CHECKING:
    from ingestd.afterwards.order import Order
    from ingestd.watch.mounts import MountTable
    from ingestd.watch.volumes import Volume

FSTAB: Final = Path("/etc/fstab")


class PlaceError(Exception):
    """Nothing may be written there now; the message says why and what helps."""


def check(order: Order) -> Volume:
    """Tell on which file system `move_to` is, and that it may be written to.

    Raises:
        PlaceError: another file system than before, or one that should be mounted is not.
        KeptError: it lies in a watched folder by way of a link: files would be taken again.
        OSError: it cannot be opened, or the mount table not be read.
    """
    move_to = order.move_to or ""
    real = os.path.realpath(move_to)
    mounts = read_mounts()
    _require_mounted(real, mounts)
    for root in order.watched:
        if lies_in(real, root) and not lies_in(move_to, root):
            raise KeptError(
                f"{move_to} leads into the watched folder {root}: files moved there would be taken "
                "again. Choose another move_to."
            )
    found = volume_at(existing(move_to), mounts)
    if order.volume is not None and not order.volume.same_as(found):
        raise PlaceError(
            f"{move_to} is on another disk than before ({found.words} instead of "
            f"{order.volume.words}): nothing is moved there. Mount the right one; if this one is "
            f"meant: ingestd trust {order.folder}"
        )
    return found


def existing(path: str) -> str:
    """The path, or the nearest directory above it that is there."""
    while not os.path.isdir(path) and path != "/":  # noqa: PTH112 - odd bytes
        path = path.rpartition("/")[0] or "/"
    return path


def beginning(order: Order, move_to: str) -> str:
    """The directory from which a destination is gone into step by step, following no link.

    Of a destination inside a watched folder that is the folder: whoever may write there could put
    a link in its place. Elsewhere it is the nearest directory that is there, a person's own word.
    """
    roots = [root for root in order.watched if lies_in(move_to, root)]
    return max(roots, key=len) if roots else existing(move_to)


def lies_in(path: str, directory: str) -> bool:
    """Tell by their text whether a path is a directory or lies below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _require_mounted(real: str, mounts: MountTable) -> None:
    mounted = {mount.point for mount in mounts.mounts}
    for point in _promised():
        if lies_in(real, point) and point not in mounted:
            raise PlaceError(
                f"{point} is in /etc/fstab and not mounted: nothing is moved to {real}, it would "
                f"land on the wrong disk. Mount it: mount {point}"
            )


def _promised() -> list[str]:
    """The mount points that /etc/fstab names (fstab(5)), but the root's."""
    try:
        lines = os.fsdecode(FSTAB.read_bytes()).splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    points = [found[1].replace("\\040", " ") for found in fields if len(found) > 1]
    return [point.rstrip("/") for point in points if point.startswith("/") and point != "/"]
