"""The watched folder that lists and markers lie in: held open, nothing outside it is looked at."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.watch.beneath import Descent

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Root:
    """A watched folder.

    Attributes:
        path: absolute; may itself be reached through links.
        follow_symlinks: whether links to directories below it are followed, out of it too.
        device: `st_dev` that it must have; None: any.
    """

    path: str
    follow_symlinks: bool = False
    device: int | None = None

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Hold it open.

        Raises:
            OSError: it cannot be opened; ESTALE where another file system is mounted there.
        """
        with Descent(self.path, follow_symlinks=self.follow_symlinks) as descent:
            if self.device is not None and os.fstat(descent.to("")).st_dev != self.device:
                raise OSError(errno.ESTALE, "another file system is mounted there now", self.path)
            yield Opened(self.path.rstrip("/"), descent)

    def above(self, path: str) -> Iterator[str]:
        """The directories of a file from its own up to the root."""
        directory = path.rpartition("/")[0]
        while len(directory) > len(self.path):
            yield directory
            directory = directory.rpartition("/")[0]
        yield self.path


@dataclass(frozen=True, slots=True)
class Opened:
    """A root that is held open: whatever is opened below it lies below it."""

    path: str
    descent: Descent

    def directory(self, path: str) -> int:
        """Open a directory by its absolute path; lent until the next call.

        Raises:
            OSError: it cannot be opened; ELOOP or ENOTDIR for a link that is not followed.
        """
        return self.descent.to(path[len(self.path) + 1 :])

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted.

        Raises:
            OSError: it cannot be read.
        """
        with os.scandir(self.directory(path)) as items:
            return sorted(item.name for item in items)

    def file(self, path: str, flags: int) -> int:
        """Open a file by its absolute path.

        Raises:
            OSError: it cannot be opened.
        """
        directory, _, name = path.rpartition("/")
        return os.open(name, flags, dir_fd=self.directory(directory))
