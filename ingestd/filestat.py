"""What the operating system says of an open file: its Stat, its kind, its bytes."""

from __future__ import annotations

import os
import stat
from typing import Final

from ingestd.model import Stat

_KINDS: Final = (
    (stat.S_ISREG, "an ordinary file"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)


def stat_of(result: os.stat_result) -> Stat:
    """Keep of a stat result what tells whether the file changed."""
    return Stat(
        size=result.st_size,
        mtime_ns=result.st_mtime_ns,
        ctime_ns=result.st_ctime_ns,
        dev=result.st_dev,
        inode=result.st_ino,
    )


def kind_of(mode: int) -> str:
    """Name the kind of file behind a `st_mode` in people's words."""
    return next((words for test, words in _KINDS if test(mode)), "an unknown kind of file")


class FdSource:
    """The bytes of an open file, as a `containers.Source`; the caller owns the descriptor.

    The size is fixed when the source is made: bytes that arrive later are never seen, so that
    everything computed from one source speaks of the same extent.
    """

    __slots__ = ("_fd", "size")

    def __init__(self, fd: int, size: int | None = None) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size if size is None else size

    def read(self, offset: int, length: int) -> bytes:
        """Read up to `length` bytes at `offset`; short only at the end of the file.

        Raises:
            OSError: As `os.pread` raises it (EIO, ESTALE ...).
        """
        wanted = min(length, self.size - offset)
        if wanted <= 0:
            return b""
        data = os.pread(self._fd, wanted, offset)
        while 0 < len(data) < wanted:
            more = os.pread(self._fd, wanted - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data
