"""Which list names a file: those in its directory and in each one above, up to the folder."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ingestd.checksums.digests import HASHERS, agrees
from ingestd.checksums.mhl import Entry, ListError, comparable, parse
from ingestd.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

ASC: Final = "ascmhl"
CHAIN: Final = "ascmhl_chain.xml"
_GENERATION: Final = re.compile(r"^(\d{1,9})_.*\.mhl$", re.IGNORECASE | re.DOTALL)
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
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

    def find(self, path: str, root: str) -> Named:
        """Find what the nearest list says of a file.

        Args:
            path: absolute path of the file.
            root: the watched folder: lists above it do not count.

        Raises:
            ListError: no list names it, or one that may cannot be read; a sentence part.
        """
        troubles: list[str] = []
        seen = False
        for source in self._sources(path, root, troubles):
            seen = True
            name, directory = os.path.basename(source), os.path.dirname(source)  # noqa: PTH119, PTH120 - odd bytes
            try:
                entries = self._read(source)
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
    def _sources(path: str, root: str, troubles: list[str]) -> Iterator[str]:
        for directory in above(path, root):
            try:
                yield from lists_in(directory)
            except OSError as error:
                troubles.append(f"{directory} cannot be read: {(error.strerror or '').lower()}")

    def _read(self, source: str) -> dict[str, Entry]:
        """What one list says; of an `ascmhl` folder all its generations together."""
        if os.path.basename(source) != ASC:  # noqa: PTH119 - odd bytes
            return self._parsed(source)
        names = generations(source)
        chain = self._chain(source)
        merged: dict[str, Entry] = {}
        for name in names:
            path = f"{source}/{name}"
            if chain is not None:
                _require_chained(path, name, chain)
            for file, entry in self._parsed(path).items():
                merged.setdefault(file, entry)  # the first hash is the card's own
        return merged

    def _chain(self, directory: str) -> dict[str, Entry] | None:
        try:
            return self._parsed(f"{directory}/{CHAIN}")
        except FileNotFoundError:
            return None

    def _parsed(self, path: str) -> dict[str, Entry]:
        fd = os.open(path, _READ)
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


def above(path: str, root: str) -> Iterator[str]:
    """The directories of a file from its own up to the root."""
    directory = path.rpartition("/")[0]
    while len(directory) > len(root):
        yield directory
        directory = directory.rpartition("/")[0]
    yield root


def lists_in(directory: str) -> list[str]:
    """The lists that lie in a directory: classic ones by name, then the `ascmhl` folder.

    Raises:
        OSError: the directory cannot be read.
    """
    with os.scandir(directory) as items:
        names = sorted(item.name for item in items)
    classic = [f"{directory}/{name}" for name in names if is_list_name(name)]
    return classic + [f"{directory}/{ASC}" for name in names if name == ASC]


def is_list_name(name: str) -> bool:
    """Tell whether a file is called like a list; what macOS puts beside one is none."""
    return name.lower().endswith(".mhl") and not name.startswith("._")


def generations(directory: str) -> list[str]:
    """The manifests of an `ascmhl` folder in their order.

    Raises:
        OSError: it cannot be read; ENOTDIR also where it is a link, which may lead anywhere.
    """
    fd = os.open(directory, _FOLDER)
    try:
        with os.scandir(fd) as items:
            numbered = [(int(m[1]), m[0]) for item in items if (m := _GENERATION.match(item.name))]
    finally:
        os.close(fd)
    return [name for _, name in sorted(numbered)]


def _require_chained(path: str, name: str, chain: dict[str, Entry]) -> None:
    """Make sure that a generation is the one that the chain was made of."""
    entry = chain.get(comparable(name) or "")
    if entry is None:
        raise ListError(f"{CHAIN} does not name {name}")
    hasher = HASHERS[entry.kind]()
    fd = os.open(path, _READ)
    try:
        while piece := os.read(fd, _PIECE):
            hasher.update(piece)
    finally:
        os.close(fd)
    if not agrees(entry.kind, entry.value, hasher.digest()):
        raise ListError(f"{name} is not what {CHAIN} says it is")
