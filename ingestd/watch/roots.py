"""The root of a folder: may it be read, and what to tell a person if not (rules R5)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from ingestd.watch.entries import RootState
from ingestd.watch.look import error_words
from ingestd.watch.memory import identity

# What the system says when there is nothing there (any more), rather than something unreadable.
_AWAY: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE}
    | {errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT}
)
_NEIGHBOURS: Final = 8  # so many names are told
_GOES_ON: Final = "Nothing is lost; ingestd goes on by itself when it is there."


def root_trouble(root: str, error: OSError) -> tuple[RootState, str]:
    """Name the state of a root that gave this error, with the remedy in a sentence."""
    if error.errno == errno.ENOENT:
        return RootState.MISSING, f"{root} does not exist: create it, or mount it. {_GOES_ON}"
    if error.errno == errno.ENOTDIR:
        return RootState.MISSING, f"{root} is not a folder: is the path right? {_GOES_ON}"
    if error.errno in _AWAY:
        return RootState.MISSING, (
            f"{root} does not answer ({error_words(error)}): mount it again. {_GOES_ON}"
        )
    if isinstance(error, PermissionError):
        return RootState.UNREADABLE, (
            f"{root} may not be read by this user ({error_words(error)}):"
            f" grant user id {os.geteuid()} read and search permission. {_GOES_ON}"
        )
    return RootState.UNREADABLE, (
        f"{root} cannot be read ({error_words(error)}): check the disk or the share. {_GOES_ON}"
    )


def neighbours(root: str) -> tuple[str, ...]:
    """Name the nearest directory above a root that is not there, and a few that lie in it."""
    parent = os.path.dirname(root)  # noqa: PTH120 - odd bytes
    while not os.path.isdir(parent) and parent != "/":  # noqa: PTH112
        parent = os.path.dirname(parent)  # noqa: PTH120
    try:
        with os.scandir(parent) as items:
            names = sorted(item.name for item in items if item.is_dir() and item.name[0] != ".")
    except OSError:
        names = []
    more = ("...",) if len(names) > _NEIGHBOURS else ()
    return (parent, *names[:_NEIGHBOURS], *more)


def root_replaced(root: str, was: tuple[int, int]) -> tuple[RootState, str] | None:
    """Tell whether another directory lies at a root's path than when it was opened.

    Raises:
        OSError: It cannot be looked at any more.
    """
    if identity(Path(root).stat()) == was:
        return None
    return RootState.MISSING, (
        f"The file system at {root} changed while it was looked at;"
        " nothing is concluded from that, it is looked at again."
    )
