"""Who has a file open for writing, as far as this process may see (proc(5)): a best effort.

A program of another user is invisible to a service that is not root, one on another machine or in
another container always. So that somebody is seen proves that a file is not complete, and that
nobody is seen proves nothing. Only text of /proc is read: no file is touched, nothing hangs.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ingestd.watch.mounts import is_network

PROC: Final = "/proc"
#: One look at all processes serves for this long, seconds: cards settle in thousands.
FRESH_S: Final = 1.0
_WRITES: Final = os.O_WRONLY | os.O_RDWR


class Sight(StrEnum):
    """Whose open files can be seen in a folder (interface 3, `folders[].writers`)."""

    ALL = "all"  # of every program on this machine
    OWN = "own"  # of this user's programs alone
    LOCAL = "local"  # a network file system: of programs here, never of other machines
    NONE = "none"  # /proc is not to be seen


def sight(fstype: str) -> Sight:
    """Tell whose open files can be seen on a file system of that type."""
    if not _is_open(f"{PROC}/self/fd"):
        return Sight.NONE
    if is_network(fstype):
        return Sight.LOCAL
    if not _is_open(f"{PROC}/1/fd"):
        return Sight.OWN
    return Sight.ALL


def _is_open(directory: str) -> bool:
    return os.access(directory, os.R_OK | os.X_OK)


@dataclass(frozen=True, slots=True)
class _Open:
    """One open file of one process."""

    pid: str
    fd: str
    path: str


class Writers:
    """Looks for writers; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._open: dict[str, list[_Open]] = {}
        self._endings: set[str] = set()  # of the files that were asked for: others are not kept

    def of(self, path: str) -> str:
        """Name the program that has a file open for writing; "": none is seen.

        Args:
            path: absolute; its directory may be reached through links.
        """
        real = os.path.realpath(path)
        try:
            inode = os.lstat(real).st_ino
        except OSError:
            return ""
        for one in self._named(real.rpartition("/")[2]):
            flags, seen = _flags(one)
            same = one.path == real if seen is None else seen == inode
            if same and flags & _WRITES:
                return _program(one.pid)
        return ""

    def _named(self, name: str) -> list[_Open]:
        ending = name[name.rfind(".") :]
        with self._lock:
            now = time.monotonic()
            if now - self._at >= FRESH_S or ending not in self._endings:
                self._endings.add(ending)
                self._open, self._at = _look(tuple(self._endings)), now
            return self._open.get(name, [])


def _look(endings: tuple[str, ...]) -> dict[str, list[_Open]]:
    """Open files with such endings, of all processes that may be seen but our own, by file name."""
    found: defaultdict[str, list[_Open]] = defaultdict(list)
    own = str(os.getpid())
    for pid in _names(PROC):
        if not pid.isdigit() or pid == own:
            continue
        for fd in _names(f"{PROC}/{pid}/fd"):
            try:
                path = os.readlink(f"{PROC}/{pid}/fd/{fd}")  # noqa: PTH115 - odd bytes
            except OSError:
                continue
            if path.startswith("/") and path.endswith(endings):
                found[path.rpartition("/")[2]].append(_Open(pid, fd, path))
    return dict(found)


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - names
    except OSError:
        return []


def _flags(one: _Open) -> tuple[int, int | None]:
    """How a file is open, and its inode where the kernel tells (Linux 5.14 and later)."""
    try:
        with open(f"{PROC}/{one.pid}/fdinfo/{one.fd}", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - plain text of /proc
            text = file.read()
    except OSError:
        return 0, None
    flags = re.search(r"^flags:\s+([0-7]+)$", text, re.MULTILINE)
    inode = re.search(r"^ino:\s+(\d+)$", text, re.MULTILINE)
    return int(flags[1], 8) if flags else 0, int(inode[1]) if inode else None


def _program(pid: str) -> str:
    try:
        with open(f"{PROC}/{pid}/comm", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
            return f"{file.read().strip()} (process {pid})"
    except OSError:
        return f"process {pid}"
