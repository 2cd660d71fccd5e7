"""Where a watcher is proven to deliver: a directory of our own, which it watches beside its folder.

A file that is made there must be announced; threads that look alive prove nothing (field notes,
watchdog). It lies in memory where there is such a place, so that no sleeping disk is woken by it.
What a daemon that was killed left there is removed by the next one of the same user.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.watch.mounts import read_mounts

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The file that is made in it.
COOKIE: Final = "cookie"
#: Seconds in which a daemon that made its place surely locked it.
STARTING_S: Final = 60.0
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
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
        place: Made when it is needed, with one directory a folder in it. A lock on it says that
            its daemon lives; when it is first taken, places that nobody has locked are removed.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._locked: int | None = None

    def directory(self, root: str) -> str | None:
        """Make the directory of a folder; None: there is no room for one."""
        name = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
        directory = self._place / name
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._locked is None:
                self._locked = _lock(self._place, fcntl.LOCK_SH)
                _remove_stale(self._place.parent)
        except OSError:
            return None
        return str(directory)

    def clear(self) -> None:
        """Remove what is left; what cannot be removed stays."""
        with suppress(OSError):
            fd = os.open(self._place, _DIRECTORY)
            try:
                _empty(fd)
            finally:
                os.close(fd)
            self._place.rmdir()
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None


def _lock(place: Path, how: int) -> int:
    """Lock a directory of our own, without waiting; the descriptor holds the lock.

    Raises:
        OSError: it is not there, not ours, or locked by another daemon.
    """
    fd = os.open(place, _DIRECTORY)
    try:
        if os.fstat(fd).st_uid != os.geteuid():
            raise PermissionError
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _remove_stale(parent: Path) -> None:
    """Remove the places of this user's daemons that were killed, and nothing else."""
    name = re.compile(rf"ingestd-{os.geteuid()}-[0-9a-f]{{8}}")
    for place in parent.iterdir():
        if name.fullmatch(place.name):
            with suppress(OSError):
                _remove(place)


def _remove(place: Path) -> None:
    if time.time() - place.lstat().st_mtime < STARTING_S:
        return
    fd = _lock(place, fcntl.LOCK_EX)
    try:
        _empty(fd)
        place.rmdir()
    finally:
        os.close(fd)


def _empty(place: int) -> None:
    """Remove the folders' directories in an open place; what else lies there is left."""
    for name in os.listdir(place):
        with suppress(OSError):
            directory = os.open(name, _DIRECTORY, dir_fd=place)
            try:
                with suppress(FileNotFoundError):
                    os.unlink(COOKIE, dir_fd=directory)
            finally:
                os.close(directory)
            os.rmdir(name, dir_fd=place)
