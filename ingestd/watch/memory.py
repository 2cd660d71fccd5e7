"""What the last pass knew of each directory, so that an unchanged one need not be listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Known:
    """What a listing found, true for as long as the directory's mtime does not move."""

    identity: tuple[int, int]
    mtime_ns: int
    subdirectories: tuple[str, ...]
    files: int
    ignored: tuple[tuple[str, int], ...]

    def is_still(self, status: os.stat_result) -> bool:
        """Whether this is the same directory with the same names in it."""
        return self.mtime_ns == status.st_mtime_ns and self.identity == identity(status)


class Memory:
    """The known directories of one folder by relative path; only trustworthy ones are in it.

    A pass works on what it `recall`s and stores with `replace`. If all was forgotten meanwhile, by
    another thread too, what the pass stores is dropped.
    """

    def __init__(self) -> None:
        self._root_id: tuple[int, int] | None = None
        self._directories: dict[str, Known] = {}
        self._forgotten = 0

    def forget(self) -> None:
        """Trust nothing: the next pass lists every directory."""
        self._directories = {}
        self._forgotten += 1

    def recall(self, root_id: tuple[int, int]) -> tuple[dict[str, Known], int]:
        """What is known below this very root, and a ticket for `replace`."""
        if root_id != self._root_id:
            self.forget()
            self._root_id = root_id
        return self._directories, self._forgotten

    def replace(self, known: dict[str, Known], ticket: int, *, whole: bool) -> None:
        """Store what a pass knows; `whole`: it saw all, so what it does not name is no more."""
        if ticket == self._forgotten:
            self._directories = known if whole else self._directories | known


def identity(status: os.stat_result) -> tuple[int, int]:
    """Device and inode: which directory it is, whatever its path."""
    return status.st_dev, status.st_ino
