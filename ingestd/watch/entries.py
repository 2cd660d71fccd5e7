"""What a scan hands over: frozen values, nothing that touches the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.model import Stat

VANISHED = "vanished"  # `Entry.error`: nothing is at that path, and its folder could be read


class EntryKind(StrEnum):
    """What lies at a path, without following a link unless the folder follows links."""

    FILE = "file"
    SYMLINK = "symlink"  # not followed, or dangling
    DIRECTORY = "directory"  # only from `Scanner.look`: a scan descends instead
    OTHER = "other"  # FIFO, socket, device: never opened


class RootState(StrEnum):
    """Whether a folder's root could be read (interface 3, `folders[].state`)."""

    OK = "ok"
    MISSING = "missing"  # nothing there, or only the empty directory below a mount
    FOREIGN = "foreign"  # another file system than the one that was known there
    HUNG = "hung"  # it does not answer
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Entry:
    """One video name and what is known of it.

    Attributes:
        path: absolute, below the folder's path as configured; `os.fsdecode` of the bytes.
        stat: None when it could not be taken; `error` then says why.
        kind: what lies there; meaningless when `stat` is None.
        refused_extension: a video extension that the far side does not take (interface 2).
        error: `VANISHED`, or a sentence part such as "permission denied" (never vanished then).
    """

    path: str
    stat: Stat | None
    kind: EntryKind = EntryKind.FILE
    refused_extension: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A piece (at most about 1000 video names) of one directory that was listed in this pass.

    A directory without video names has one piece without entries. Only after the piece with
    `last` are all its video names known: what the journal has and no piece had is then absent.
    A directory that could not be read to its end has no such piece.
    """

    directory: str
    entries: tuple[Entry, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class DirectoryTrouble:
    """A directory that could not be read: nothing below it may be called vanished."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class ScanReport:
    """How one pass over a folder went.

    Attributes:
        state: whether the root could be read, and was the same root at the end.
        detail: a sentence with the remedy; empty when all is well.
        complete: every directory was visited, that is not stopped half-way; absence counts only
            with `ok and complete`, and never below one of `troubles` or `other_devices`.
        directories: visited, skipped ones included.
        skipped_directories: visited but not listed, because their mtime had not moved.
        files_seen: video names in the whole folder, those in skipped directories included.
        ignored_by: names that are not ours in the whole folder, by extension or by "junk" and
            "excluded"; a directory that is not descended counts as one.
        troubles: directories that could not be read.
        other_devices: directories inside the folder on which another file system is mounted.
        root_id: (device, inode) of the root; None when it could not be read.
    """

    state: RootState
    detail: str = ""
    complete: bool = False
    directories: int = 0
    skipped_directories: int = 0
    files_seen: int = 0
    ignored_by: Mapping[str, int] = field(default_factory=dict)
    troubles: tuple[DirectoryTrouble, ...] = ()
    other_devices: tuple[str, ...] = ()
    root_id: tuple[int, int] | None = None

    @property
    def ok(self) -> bool:
        """Whether the root could be read."""
        return self.state is RootState.OK
