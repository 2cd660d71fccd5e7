"""Carrying out one order, from the file as a crash may have left it; errors are values."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from ingestd.afterwards import disk, moving, places
from ingestd.afterwards.order import (
    ChangedError,
    KeptError,
    Left,
    Result,
    StoppedError,
)
from ingestd.afterwards.removing import prune, remove
from ingestd.afterwards.source import hashed, held
from ingestd.filestat import stat_of

if TYPE_CHECKING:
    from ingestd.afterwards.order import Order
    from ingestd.afterwards.source import Source
    from ingestd.watch.volumes import Volume

_SANDBOX: Final = (
    "Under systemd: `sudo systemctl edit ingestd`, and below [Service] name both folders in "
    "ReadWritePaths=."
)
_REMEDIES: Final = {
    errno.EACCES: f"Let the user that ingestd runs as write in both folders. {_SANDBOX}",
    errno.EPERM: f"Let the user that ingestd runs as write in both folders. {_SANDBOX}",
    errno.EROFS: f"It is read-only. {_SANDBOX}",
    errno.ENOSPC: "Make room there.",
    errno.EDQUOT: "The quota there is used up: make room.",
    errno.ELOOP: "A link is in the way, and after-actions follow none.",
    errno.ENOTDIR: "A link or a file is in the way where a directory belongs.",
}


def carry_out(order: Order) -> Result:
    """Do what an order says; doing it again after a crash at any point ends the same.

    Returns:
        What became of the file; never raises for what the system refuses.
    """
    volume: Volume | None = None
    try:
        if order.move_to is not None:
            volume = places.check(order)
        result = _done(order)
    except KeptError as kept:
        result = Result(Left.KEPT, str(kept))
    except ChangedError as changed:
        result = Result(Left.CHANGED, seen=changed.seen)
    except StoppedError:
        result = Result(Left.STOPPED)
    except places.PlaceError as error:
        return Result(Left.TROUBLED, str(error))
    except OSError as error:
        result = Result(Left.TROUBLED, _words(order, error))
    if order.prune and result.left in (Left.MOVED, Left.DELETED):
        prune(order)
    return Result(result.left, result.detail, result.moved_to, result.seen, volume)


def _done(order: Order) -> Result:
    with held(order) as source:
        if source is None:
            return _found_again(order)
        if order.move_to is None:
            return _deleted(order, source)
        name = moving.move(order, source, order.move_to)
    return Result(Left.MOVED, moved_to=_path(order, order.move_to, name))


def _deleted(order: Order, source: Source) -> Result:
    """Delete a file whose whole content is the one that memories.ai has (interface 4)."""
    if order.content_hash is None:
        raise KeptError("The hash of what was sent is not known: it is not deleted.")
    if source.hash(order.stop) != order.content_hash:
        raise ChangedError(stat_of(source.status))
    remove(order, source)
    return Result(Left.DELETED)


def _found_again(order: Order) -> Result:
    """Nothing lies there: did an earlier try move it, and was cut off before it could say so?"""
    for place in dict.fromkeys(filter(None, (order.before, order.move_to))):
        try:
            with moving.destination(order, place, make=False) as directory:
                name = _ours_in(order, directory)
        except FileNotFoundError:
            continue
        if name is not None:
            return Result(Left.MOVED, moved_to=_path(order, place, name))
    return Result(Left.ABSENT)


def _ours_in(order: Order, directory: int) -> str | None:
    """The name of the file in a destination; by its inode, or by its content."""
    for name in disk.numbered(order.name):
        status = disk.status(directory, name)
        if status is None:
            return None
        now = stat_of(status)
        if not stat.S_ISREG(status.st_mode) or now.size != order.stat.size:
            continue
        if now.same_content_as(order.stat) or _is_content(order, directory, name, now.mtime_ns):
            return name
    return None


def _is_content(order: Order, directory: int, name: str, mtime_ns: int) -> bool:
    if order.content_hash is None:  # a copy of ours has its source's times
        return order.before is not None and mtime_ns == order.stat.mtime_ns
    fd = os.open(name, disk.FILE, dir_fd=directory)
    try:
        return hashed(fd, order.stop) == order.content_hash
    finally:
        os.close(fd)


def _path(order: Order, place: str, name: str) -> str:
    return "/".join((place.rstrip("/"), *order.kept, name))


def _words(order: Order, error: OSError) -> str:
    what = "deleted" if order.move_to is None else f"moved to {order.move_to}"
    why = (error.strerror or str(error)).lower()
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk or the share.")
    return f"The file could not be {what} ({why}). {remedy} It is tried again; nothing is lost."
