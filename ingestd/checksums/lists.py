"""Which list names a file: those in its directory and in each one above, up to the folder.

Lists are opened below a descriptor of the folder: a directory that becomes a link leads nowhere.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.checksums.digests import HASHERS, agrees
from ingestd.checksums.mhl import Entry, ListError, comparable, parse
from ingestd.checksums.names import ASC, lists_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.checksums.root import Opened, Root

CHAIN: Final = "ascmhl_chain.xml"
_GENERATION: Final = re.compile(r"^(\d{1,9})_.*\.mhl$", re.IGNORECASE | re.DOTALL)
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PIECE: Final = 1 << 20
_KEPT: Final = 8  # lists that are kept parsed


@dataclass(frozen=True, slots=True)
class Named:
    """What a list says of a file."""

    entry: Entry
    source: str  # the list's path


class ListReader:
    """Finds and reads lists; keeps the last ones. May be used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], dict[str, Entry]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, path: str, root: Root) -> Named:
        """Find what the nearest list says of a file.

        Args:
            path: absolute path of the file.
            root: the watched folder: lists above it do not count.

        Raises:
            ListError: no list names it, or one that may cannot be read; a sentence part.
            OSError: the folder itself cannot be opened.
        """
        with root.opened() as below:
            return self._find(path, root, below)

    def _find(self, path: str, root: Root, below: Opened) -> Named:
        troubles: list[str] = []
        seen = False
        for source in self._sources(path, root, below, troubles):
            seen = True
            directory, _, name = source.rpartition("/")
            try:
                entries = self._read(below, source)
            except ListError as error:
                troubles.append(f"{name}: {error}")
                continue
            except OSError as error:
                troubles.append(f"{name} cannot be read: {(error.strerror or '').lower()}")
                continue
            entry = entries.get(comparable(os.path.relpath(path, directory)) or "")
            if entry is not None:
                return Named(entry, source)
        if troubles:
            raise ListError(f"no list that can be read names it ({'; '.join(troubles[:3])})")
        raise ListError("no list of its card names it" if seen else "there is no list yet")

    @staticmethod
    def _sources(path: str, root: Root, below: Opened, troubles: list[str]) -> Iterator[str]:
        for directory in root.above(path):
            try:
                yield from lists_in(below, directory)
            except OSError as error:
                troubles.append(f"{directory} cannot be read: {(error.strerror or '').lower()}")

    def _read(self, below: Opened, source: str) -> dict[str, Entry]:
        """What one list says; of an `ascmhl` folder all its generations together."""
        if source.rpartition("/")[2] != ASC:
            return self._parsed(below, source)
        names = generations(below, source)
        chain = self._chain(below, source)
        merged: dict[str, Entry] = {}
        for name in names:
            path = f"{source}/{name}"
            if chain is not None:
                _require_chained(below, path, name, chain)
            for file, entry in self._parsed(below, path).items():
                merged.setdefault(file, entry)  # the first hash is the card's own
        return merged

    def _chain(self, below: Opened, directory: str) -> dict[str, Entry] | None:
        try:
            return self._parsed(below, f"{directory}/{CHAIN}")
        except FileNotFoundError:
            return None

    def _parsed(self, below: Opened, path: str) -> dict[str, Entry]:
        fd = below.file(path, _READ)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise ListError("it is no ordinary file")
            key = (path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
            entries = parse(lambda length: os.read(fd, length))
        finally:
            os.close(fd)
        with self._lock:
            self._kept[key] = entries
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return entries


def generations(below: Opened, directory: str) -> list[str]:
    """The manifests of an `ascmhl` folder in their order.

    Raises:
        OSError: it cannot be read; ENOTDIR also where it is a link that is not followed.
    """
    found = map(_GENERATION.match, below.names(directory))
    numbered = [(int(m[1]), m[0]) for m in found if m is not None]
    return [name for _, name in sorted(numbered)]


def _require_chained(below: Opened, path: str, name: str, chain: dict[str, Entry]) -> None:
    """Make sure that a generation is the one that the chain was made of."""
    entry = chain.get(comparable(name) or "")
    if entry is None:
        raise ListError(f"{CHAIN} does not name {name}")
    hasher = HASHERS[entry.kind]()
    fd = below.file(path, _READ)
    try:
        while piece := os.read(fd, _PIECE):
            hasher.update(piece)
    finally:
        os.close(fd)
    if not agrees(entry.kind, entry.value, hasher.digest()):
        raise ListError(f"{name} is not what {CHAIN} says it is")
