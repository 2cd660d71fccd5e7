"""Room that is kept for the worst moment: a disk that is full when an outcome must be recorded."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

RESERVE_NAME: Final = "reserve"
#: Room for the outcomes of every upload that may be under way, and what SQLite needs beside them.
RESERVE_SIZE: Final = 4 << 20


class Reserve:
    """A file of real blocks: deleted when the disk is full, made again when it is not."""

    def __init__(self, directory: Path, size: int = RESERVE_SIZE) -> None:
        self._path, self._size = directory / RESERVE_NAME, size

    def make(self) -> bool:
        """Keep the room; tell whether it is kept. False means that the disk is full, or nearly."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(fd, 0, self._size)
        except OSError:
            self.release()
            return False
        else:
            return True
        finally:
            os.close(fd)

    def release(self) -> bool:
        """Give the room to what must be recorded now; tell whether there was any."""
        with suppress(OSError):
            self._path.unlink()
            return True
        return False
