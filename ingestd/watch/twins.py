"""Which directory a folder's path leads to: one may be reached by several paths (links, binds)."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.watch.memory import identity

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How long all paths together may take to answer a command that begins, seconds. A disk that is
#: there answers in less than a hundredth of that; what does not is told by the daemon later.
PATIENCE_S: Final = 0.3

Identity = tuple[int, int]


def identity_at(path: str) -> Identity | None:
    """Look at a directory, for as long as that takes; None: it is not there."""
    try:
        return identity(Path(path).stat())
    except OSError:
        return None


def identities(paths: Iterable[str]) -> dict[str, Identity]:
    """Look at directories, each from a thread of its own; without those that do not answer."""
    found: dict[str, Identity] = {}

    def look(path: str) -> None:
        one = identity_at(path)
        if one is not None:
            found[path] = one

    threads = [threading.Thread(target=look, args=(path,), daemon=True) for path in paths]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(found)


def twins(paths: Iterable[str], known: dict[str, Identity]) -> dict[str, str]:
    """Find the paths that lead to the same directory as one before them: path, that one."""
    first: dict[Identity, str] = {}
    found: dict[str, str] = {}
    for path in paths:
        if path in known and first.setdefault(known[path], path) != path:
            found[path] = first[known[path]]
    return found


def twin_words(path: str, other: str) -> str:
    """Say what is wrong with a path, and what to do."""
    return (
        f"{path} is the same directory as {other}, by a link or a mount: leave one of the two out "
        "of the configuration."
    )
