"""Which files of a folder are released: by a marker, and by a list that lies above them.

A marker that is called like a file or a directory beside it (`A001.mp4.done`, `A001.done`,
`CARD_A.done`) releases that one; any other releases all files beside and below it. In the watched
folder itself such a marker releases only the files that lie directly in it, for it says nothing of
the cards.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.checksums.names import lists_in
from ingestd.watch.patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.checksums.root import Opened, Root


@dataclass(frozen=True, slots=True)
class Around:
    """What was found in the directories of some files."""

    released: frozenset[str] = frozenset()  # files and directories that a marker speaks of
    listed: frozenset[str] = frozenset()  # directories that lists lie in

    def is_released(self, path: str, root: Root) -> bool:
        """Tell whether a marker speaks of a file."""
        if path in self.released:
            return True
        own = path.rpartition("/")[0]
        return any(
            directory in self.released and (directory != root.path or own == root.path)
            for directory in root.above(path)
        )

    def is_listed(self, path: str, root: Root) -> bool:
        """Tell whether a list may name a file."""
        return any(directory in self.listed for directory in root.above(path))


def look_around(root: Root, paths: Iterable[str], marker: str | None, *, lists: bool) -> Around:
    """Look for markers and lists in the directories of these files, up to the root.

    A directory that cannot be read holds neither, now; nor does one that became a link.
    """
    patterns = None if marker is None else Patterns((marker,))
    released: set[str] = set()
    listed: set[str] = set()
    with suppress(OSError), root.opened() as below:
        for directory in sorted({one for path in paths for one in root.above(path)}):
            with suppress(OSError):
                if patterns is not None:
                    released.update(_released_in(below, directory, root, patterns))
                if lists and lists_in(below, directory):
                    listed.add(directory)
    return Around(frozenset(released), frozenset(listed))


def _released_in(below: Opened, directory: str, root: Root, patterns: Patterns) -> Iterator[str]:
    names = set(below.names(directory))
    for name in names:
        relative = os.path.relpath(f"{directory}/{name}", root.path)
        if patterns.match(relative) is not None:
            spoken_of = _spoken_of(name, names)
            yield from (f"{directory}/{one}" for one in spoken_of)
            if not spoken_of:
                yield directory


def _spoken_of(marker: str, names: set[str]) -> list[str]:
    """The files and directories beside a marker that it is called like."""
    called = marker.rpartition(".")[0] or marker
    if called != marker and called in names:
        return [called]
    return [name for name in names if name != marker and name.rpartition(".")[0] == called]
