"""Hints from inotify by watchdog: they wake, nothing is decided from them (architecture 1).

One observer a folder, so that each can be watched anew without the others: three threads, which
sleep while nothing happens, and one of the user's inotify instances (128 by default).
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.watch.observer import FolderObserver

if TYPE_CHECKING:
    from collections.abc import Callable

STOP_PATIENCE: Final = 2.0  # seconds to wait for threads that may hang on a dying disk
_LIMITS: Final = Path("/proc/sys/fs/inotify")
_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV})
_LIMITED: Final = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class HintStatus(StrEnum):
    """Whether hints are to be expected from a folder."""

    WATCHING = "watching"
    MISSING = "missing"  # there is nothing to watch (any more)
    LIMIT = "limit"  # inotify's limits are used up: poll
    FAILED = "failed"  # could not be set up: poll
    BROKEN = "broken"  # a thread of the watcher died: poll, watch again
    OFF = "off"  # never asked for, or unwatched


@dataclass(frozen=True, slots=True)
class HintState:
    """What can be expected of the hints of one folder."""

    status: HintStatus
    detail: str = ""  # a sentence with the remedy; empty while watching

    @property
    def watching(self) -> bool:
        """Whether hints come; if not, the caller polls."""
        return self.status is HintStatus.WATCHING


OFF: Final = HintState(HintStatus.OFF)
WATCHING: Final = HintState(HintStatus.WATCHING)


class Hints:
    """Watches folders; all methods may be called from any thread, but not from a callback.

    Args:
        on_hint: Told (root, path): something happened at a path at or below a root.
        on_overflow: Told (root): hints of a folder were lost, or have ended; scan it.
        on_trouble: Told (root, state), once: a folder that was watched is not any more, or not
            wholly (`LIMIT`).

    The callbacks run in the watchers' threads and must be quick; `on_hint` is called for any
    name, ours or not, and may repeat itself.
    """

    def __init__(
        self,
        on_hint: Callable[[str, str], None],
        on_overflow: Callable[[str | None], None],
        on_trouble: Callable[[str, HintState], None] | None = None,
    ) -> None:
        self._on_hint = on_hint
        self._on_overflow = on_overflow
        self._on_trouble = on_trouble
        self._lock = threading.Lock()  # of the dictionary alone
        self._folders: dict[str, _Folder] = {}

    def watch(self, root: str, *, recursive: bool) -> HintState:
        """Watch a folder, anew if it is watched already; raises nothing for what the system does.

        What happens after it returns is hinted: watch first, then scan. Walks the folder, so that
        it may hang where the file system does.
        """
        self.unwatch(root)
        folder = _Folder(root, self._on_hint, self._on_overflow, self._on_trouble)
        with self._lock:
            self._folders[root] = folder
        return folder.start(recursive=recursive)

    def unwatch(self, root: str) -> None:
        """Stop watching a folder; one that is not watched is ignored."""
        with self._lock:
            folder = self._folders.pop(root, None)
        if folder is not None:
            folder.stop()

    def state(self, root: str) -> HintState:
        """What can be expected of a folder's hints now; never touches the disk."""
        with self._lock:
            folder = self._folders.get(root)
        return OFF if folder is None else folder.state

    def close(self) -> None:
        """Stop all watching; harmless when repeated. Waits a few seconds at most."""
        with self._lock:
            roots = list(self._folders)
        for root in roots:
            self.unwatch(root)


class _Folder:
    """One watched folder: keeps its state and passes on what its observer tells."""

    def __init__(
        self,
        root: str,
        on_hint: Callable[[str, str], None],
        on_overflow: Callable[[str | None], None],
        on_trouble: Callable[[str, HintState], None] | None,
    ) -> None:
        self.root = root
        self.state = OFF
        self._tell_hint = on_hint
        self._tell_overflow = on_overflow
        self._tell_trouble = on_trouble
        self._observer: FolderObserver | None = None
        self._running = False
        self._setting_up: OSError | None = None

    def start(self, *, recursive: bool) -> HintState:
        try:
            self._observer = FolderObserver(self.root, recursive=recursive, listener=self)
            self._observer.start()
        except OSError as error:
            return self._give_up(error)
        if self._setting_up is not None:
            return self._give_up(self._setting_up)
        self.state = WATCHING
        self._running = True
        return self.state

    def stop(self) -> None:
        self._running = False
        self.state = OFF
        self._stop_threads()

    def hint(self, path: str) -> None:
        if self._running:
            self._tell_hint(self.root, path.rstrip("/") or "/")

    def overflowed(self) -> None:
        if self._running:
            self._tell_overflow(self.root)

    def limited(self, error: OSError) -> None:
        if not self._running:
            self._setting_up = error
            return
        self._end(HintStatus.LIMIT, _limit_words(error))

    def died(self, error: BaseException) -> None:
        self._end(
            HintStatus.BROKEN,
            f"Watching {self.root} for events broke ({type(error).__name__}: {error});"
            " it is polled, and watched again at its next scan.",
        )

    def unrooted(self) -> None:
        self._end(HintStatus.MISSING, f"{self.root} was removed or unmounted while it was watched.")
