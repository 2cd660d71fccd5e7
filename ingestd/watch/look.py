"""One look at one name: what lies there, without opening what is no ordinary file."""

from __future__ import annotations

import os
import stat
from typing import Final

from ingestd.filestat import stat_of
from ingestd.watch.entries import VANISHED, Entry, EntryKind

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Looker:
    """How names of one folder are looked at.

    Args:
        follow_symlinks: Whether a link counts as what it points to.
        trust_attributes: False on network file systems: their cached attributes may be a minute
            old, and only opening a file fetches fresh ones (rules R5, close-to-open).
    """

    def __init__(self, *, follow_symlinks: bool, trust_attributes: bool) -> None:
        self._follow = follow_symlinks
        self._trust = trust_attributes
        self._open_flags = _READ if follow_symlinks else _READ | os.O_NOFOLLOW

    def entry(self, directory: int, name: str, path: str, *, refused: bool) -> Entry:
        """Look at `name` in an open directory; `path` is what the entry is called by."""
        try:
            status = self._status(directory, name)
        except FileNotFoundError:
            return Entry(path, None, refused_extension=refused, error=VANISHED)
        except OSError as error:
            return Entry(path, None, refused_extension=refused, error=error_words(error))
        return Entry(path, stat_of(status), _kind(status.st_mode), refused_extension=refused)

    def _status(self, directory: int, name: str) -> os.stat_result:
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=self._follow)
        except OSError:
            if not self._follow:
                raise
            # A link that dangles or leads in a circle is still a link.
            return os.stat(name, dir_fd=directory, follow_symlinks=False)
        if self._trust or not stat.S_ISREG(status.st_mode):
            return status
        fd = os.open(name, self._open_flags, dir_fd=directory)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)


def error_words(error: OSError) -> str:
    """The system's words for an error, to stand inside a sentence."""
    return (error.strerror or str(error)).lower()


def _kind(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    if stat.S_ISLNK(mode):
        return EntryKind.SYMLINK
    return EntryKind.DIRECTORY if stat.S_ISDIR(mode) else EntryKind.OTHER
