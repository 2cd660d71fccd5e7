"""Removing a file that is whole elsewhere, and directories that became empty."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ingestd.afterwards import disk
from ingestd.afterwards.order import ChangedError, KeptError

if TYPE_CHECKING:
    from ingestd.afterwards.order import Order
    from ingestd.afterwards.source import Source


def remove(order: Order, source: Source, copy: tuple[int, str] | None = None) -> None:
    """Remove the very file that is open, whatever takes its name meanwhile.

    It is set aside under a name of ours first and looked at once more: so a file that another
    program puts in its place in this moment is not removed in its stead.

    Args:
        order: what is done.
        source: the file.
        copy: the directory and name under which it is whole elsewhere. If that vanishes with the
            renaming, it was no copy but the file itself, by another path (a share of this disk).

    Raises:
        KeptError: the copy was the file itself; nothing was removed.
        ChangedError: it was changed or replaced; nothing was removed.
        OSError: as the system raises it; nothing was removed.
    """
    source.require_still()
    name = _set_aside(order, source)
    there = disk.status(source.directory, name)
    if there is None or not disk.same(there, os.fstat(source.fd)):
        if there is not None:
            _put_back(order, source, name)
        raise ChangedError
    if copy is not None and not _is_there(*copy):
        _put_back(order, source, name)
        raise KeptError("Its move_to is another path to the directory that it lies in.")
    os.unlink(name, dir_fd=source.directory)
    os.fsync(source.directory)


def _is_there(directory: int, name: str) -> bool:
    """Tell whether a file is there; opened, for attributes may be old (rules R5)."""
    try:
        os.close(os.open(name, disk.FILE, dir_fd=directory))
    except OSError:
        return False
    return True


def _put_back(order: Order, source: Source, name: str) -> None:
    if name != order.name:
        disk.give_name(source.directory, name, source.directory, order.name)


def _set_aside(order: Order, source: Source) -> str:
    if source.name == order.temporary:  # a crash came after this step the last time
        return source.name
    try:
        disk.give_name(source.directory, source.name, source.directory, order.temporary)
    except disk.CannotRenameError:
        return source.name
    return order.temporary


def prune(order: Order) -> None:
    """Remove the directories above a file that are empty now: below the root, never the root."""
    parts = order.parents
    with suppress(OSError):  # not empty, or not to be removed: then it stays
        while parts and "/".join((order.root.rstrip("/"), *parts)) not in order.keep:
            with disk.opened(order.root, parts[:-1], make=False) as above:
                os.rmdir(parts[-1], dir_fd=above)
            parts = parts[:-1]
