"""What the loop asks of a worker about one file, and what it is told: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    from ingestd.model import Stat
    from ingestd.watch.volumes import Volume


@dataclass(frozen=True, slots=True)
class Order:
    """One file and what is to be done with it.

    Attributes:
        root: the watched folder, or where a file system is mounted inside it; nothing outside it
            is touched but `move_to`.
        relative: the file below it; odd bytes as surrogates.
        stat: the file as it was judged or sent.
        content_hash: blake3 of what was judged or sent, 64 hex digits; None: not known.
        exact: only the very file that `stat` tells of counts, whatever its content.
        move_to: the directory to move below; None: delete (which needs `content_hash`).
        before: a directory in which an earlier try may have left the file.
        mark: names our temporary files, the same for each try and for no other row.
        keep: absolute paths of directories that are never removed, however empty.
        originals: where the file may lie that this one is a duplicate of: if it is the very same
            file by another path, and has no second name, it is not touched.
        prefix: where `root` lies in the watched folder, for the path that is kept; "": it is it.
        watched: the roots of all watched folders.
        device: `st_dev` that the root must have: else another file system was mounted there.
        folder: the watched folder's name.
        volume: the file system that `move_to` was on before; None: it is the first time.
    """

    root: str
    relative: str
    stat: Stat
    content_hash: str | None
    exact: bool
    move_to: str | None
    before: str | None
    mark: str
    stop: threading.Event
    prune: bool = False
    keep: frozenset[str] = frozenset()
    originals: tuple[str, ...] = ()
    prefix: str = ""
    watched: tuple[str, ...] = ()
    device: int | None = None
    folder: str = ""
    volume: Volume | None = None

    @property
    def parents(self) -> list[str]:
        """The names of the directories between the root and the file."""
        return self.relative.split("/")[:-1]

    @property
    def kept(self) -> list[str]:
        """The names of the directories that the file keeps below `move_to`."""
        return [*filter(None, self.prefix.split("/")), *self.parents]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.relative.rpartition("/")[2]

    @property
    def temporary(self) -> str:
        """The name of a half-made copy, or of a file about to be deleted: junk to a scan."""
        return f".ingestd-{self.mark}.part"


class Left(StrEnum):
    """What became of the file."""

    MOVED = "moved"
    DELETED = "deleted"
    ABSENT = "absent"  # nothing lies at its path, and it is not ours in the destination either
    CHANGED = "changed"  # another file lies there, or this one changed: not touched
    KEPT = "kept"  # not to be touched, now or later; `detail` says why
    TROUBLED = "troubled"  # it could not be done now; `detail` says why and what helps
    STOPPED = "stopped"  # ended in the middle; nothing is lost, it begins again later


@dataclass(frozen=True, slots=True)
class Result:
    """The answer.

    Attributes:
        left: what became of the file.
        detail: a sentence for a person.
        moved_to: the whole path of a file that was moved.
        seen: the file as it lies there now, if it is another than was ordered.
        volume: the file system that `move_to` is on, if it could be told.
    """

    left: Left
    detail: str = ""
    moved_to: str | None = None
    seen: Stat | None = None
    volume: Volume | None = None


class KeptError(Exception):
    """The file is not to be touched; the message says why."""


class ChangedError(Exception):
    """Another file lies there, or it changed meanwhile; `seen` is what lies there now."""

    def __init__(self, seen: Stat | None = None) -> None:
        super().__init__("another file lies there, or it changed")
        self.seen = seen


class StoppedError(Exception):
    """The daemon ends: the rest is done at the next start."""
