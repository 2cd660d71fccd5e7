"""Where a watcher is proven to deliver: a directory of our own, which it watches beside its folder.

A file that is made there must be announced; threads that look alive prove nothing (field notes,
watchdog). It lies in memory where there is such a place, so that no sleeping disk is woken by it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.watch.mounts import read_mounts

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_SHARED: Final = "/dev/shm"  # noqa: S108 - a directory of our own in it, checked below


def cookie_place(state_dir: Path, environ: Mapping[str, str]) -> tuple[Path, bool]:
    """Choose where the cookies of a daemon lie.

    Returns:
        The directory, not yet made, and whether it lies in memory.
    """
    mine = hashlib.blake2b(os.fsencode(state_dir), digest_size=4).hexdigest()
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    for place in (runtime, environ.get("XDG_RUNTIME_DIR", ""), _SHARED):
        if place and _is_memory(place) and os.access(place, os.W_OK | os.X_OK):
            name = "cookies" if place == runtime else f"ingestd-{os.geteuid()}-{mine}"
            if _may_be_ours(Path(place, name)):
                return Path(place, name), True
    return state_dir / "cookies", False


def _is_memory(place: str) -> bool:
    try:
        mount = read_mounts().of(os.path.realpath(place))
    except OSError:
        return False
    return mount is not None and mount.fstype in _IN_MEMORY


def _may_be_ours(place: Path) -> bool:
    """Tell whether a name in a directory that everybody may write to is free, or our own."""
    try:
        status = place.lstat()
    except OSError:
        return True
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


class Cookies:
    """The cookie directories of the folders that are watched.

    Args:
        place: Made when it is needed, with one directory a folder in it.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    def directory(self, root: str) -> str | None:
        """Make the directory of a folder; None: there is no room for one."""
        name = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
        directory = self._place / name
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return None
        return str(directory)

    def clear(self) -> None:
        """Remove what is left; what cannot be removed stays."""
        for directory in (*self._place.glob("*/"), self._place):
            try:
                directory.rmdir()
            except OSError:
                continue
