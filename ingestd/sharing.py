"""Which files of a state directory its group may read: the people who may look, and no more.

`StateDirectoryMode=0750` with a group of the service's own is such a directory: who joins the group
may run the commands that read. What acts, and the key, stays with the owner and root.
"""

from __future__ import annotations

import grp
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

OWN: Final = 0o600
READABLE: Final = 0o640
#: The group may enter and list; that others may not tells it from what a lax umask has made.
_LOOK: Final = stat.S_IRGRP | stat.S_IXGRP


def is_shared(directory: Path) -> bool:
    """Tell whether the group of a directory is meant to look into it."""
    try:
        mode = directory.stat().st_mode
    except OSError:
        return False
    return mode & (_LOOK | stat.S_IRWXO) == _LOOK


def file_mode(directory: Path) -> int:
    """The mode of a new file in a directory."""
    return READABLE if is_shared(directory) else OWN


def share(*paths: Path) -> None:
    """Let the group read files that are there, or no longer, as their directory says.

    A file that is another user's, or on a disk without such modes, stays as it is.
    """
    for path in paths:
        with suppress(OSError):
            # O_PATH: to close a real one would end this process's locks on it, SQLite's too
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                before = os.fstat(fd).st_mode
                wanted = before & ~stat.S_IRGRP | (file_mode(path.parent) & stat.S_IRGRP)
                if stat.S_ISREG(before) and wanted != before:
                    os.chmod(f"/proc/self/fd/{fd}", stat.S_IMODE(wanted))  # noqa: PTH101 - no path
            finally:
                os.close(fd)


def group_of(directory: Path) -> str | None:
    """The group that may look into a directory; None: none may."""
    if not is_shared(directory):
        return None
    number = directory.stat().st_gid
    with suppress(KeyError):
        return grp.getgrgid(number).gr_name
    return str(number)
