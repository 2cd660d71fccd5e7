"""Hints from inotify by watchdog: they wake, nothing is decided from them (architecture 1).

One observer a folder, so that each can be watched anew without the others: three threads, which
sleep while nothing happens, and one of the user's inotify instances (128 by default).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.watch.cookies import COOKIE
from ingestd.watch.limits import MISSING, POLLED, why_unwatched
from ingestd.watch.observer import OUT_OF, FolderObserver

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.watch.cookies import Cookies

STOP_PATIENCE: Final = 2.0  # seconds to wait for threads that may hang on a dying disk
CLOSE_PATIENCE: Final = 0.3  # the same when all ends: threads that are left behind end with it
PROOF_S: Final = 5.0  # seconds in which the event of a cookie must come, or at least another one
MOST_BEHIND: Final = 12  # times that long for a watcher that is behind


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

        cookies: Where it is proven that a watcher delivers; None: it is believed.

    The callbacks run in the watchers' threads and must be quick; `on_hint` is called for any
    name, ours or not, and may repeat itself.
    """

    def __init__(
        self,
        on_hint: Callable[[str, str], None],
        on_overflow: Callable[[str | None], None],
        on_trouble: Callable[[str, HintState], None] | None = None,
        cookies: Cookies | None = None,
    ) -> None:
        self._on_hint = on_hint
        self._on_overflow = on_overflow
        self._on_trouble = on_trouble
        self._cookies = cookies
        self._lock = threading.Lock()  # of the dictionary alone
        self._folders: dict[str, _Folder] = {}
        self._closed = False

    def watch(self, root: str, *, recursive: bool, skip: frozenset[str] = frozenset()) -> HintState:
        """Watch a folder, anew if it is watched already; raises nothing for what the system does.

        What happens after it returns is hinted: watch first, then scan. Walks the folder, so that
        it may hang where the file system does; `skip` names directories that are left out.
        """
        _wait_for(self._end([root]), STOP_PATIENCE)  # what it took is free again
        cookie = None if self._cookies is None else self._cookies.directory(root)
        folder = _Folder(
            root, self._on_hint, self._on_overflow, self._on_trouble, cookie=cookie, skip=skip
        )
        with self._lock:
            if self._closed:
                return OFF
            self._folders[root] = folder
        return folder.start(recursive=recursive)

    def prove(self, root: str) -> HintState:
        """Have a watcher announce a file of our own; blocks until it does, or is given up.

        One that does not is `BROKEN` from now on, whatever its threads say of themselves.
        """
        with self._lock:
            folder = self._folders.get(root)
        return OFF if folder is None else folder.prove()

    def unwatch(self, root: str) -> None:
        """Stop watching a folder, if it is watched; does not wait for its threads."""
        self._end([root])

    def state(self, root: str) -> HintState:
        """What can be expected of a folder's hints now; never touches the disk."""
        with self._lock:
            folder = self._folders.get(root)
        return OFF if folder is None else folder.state

    def close(self) -> None:
        """Stop all watching, for good; harmless when repeated. Waits for nothing that hangs."""
        with self._lock:
            self._closed = True
            roots = list(self._folders)
        _wait_for(self._end(roots), CLOSE_PATIENCE)
        if self._cookies is not None:
            self._cookies.clear()

    def _end(self, roots: list[str]) -> list[threading.Thread]:
        """Begin to end the watching of these; the threads end when that is done."""
        with self._lock:
            folders = [self._folders.pop(root, None) for root in roots]
        return [folder.stop() for folder in folders if folder is not None]


class _Folder:
    """One watched folder: keeps its state and passes on what its observer tells."""

    def __init__(
        self,
        root: str,
        on_hint: Callable[[str, str], None],
        on_overflow: Callable[[str | None], None],
        on_trouble: Callable[[str, HintState], None] | None,
        *,
        cookie: str | None,
        skip: frozenset[str],
    ) -> None:
        self.state = OFF
        self._cookie, self._skip = cookie, skip
        self._proven = threading.Event()
        self._heard = 0  # hints so far: one that is far behind is not blind
        self._root = root
        self._on_hint = on_hint
        self._on_overflow = on_overflow
        self._on_trouble = on_trouble
        self._observer: FolderObserver | None = None
        self._lock = threading.Lock()  # of `state` and `_limit`
        self._limit: OSError | None = None
        self._stopped = False

    def start(self, *, recursive: bool) -> HintState:
        try:
            self._observer = FolderObserver(
                self._root,
                recursive=recursive,
                listener=self,
                beside=self._cookie,
                skip=self._skip,
            )
            self._observer.start()
        except OSError as error:
            return self._give_up(error)
        with self._lock:
            if self._limit is None and self.state is OFF and not self._stopped:
                self.state = WATCHING
        if self._stopped:  # while it was set up
            _wait_for([self.stop()], STOP_PATIENCE)
        return self.state if self._limit is None else self._give_up(self._limit)

    def stop(self) -> threading.Thread:
        """Begin to end all threads; the one returned ends when they have."""
        self._stopped = True
        stopper = threading.Thread(target=_stop, args=(self._observer,), daemon=True)
        stopper.start()
        return stopper

    def prove(self) -> HintState:
        if self._cookie is None or self.state is not WATCHING:
            return self.state
        self._proven.clear()
        if not self._announces(Path(self._cookie, COOKIE)):
            what = f"Events of {self._root} stopped coming, though nothing failed. {POLLED}"
            self._end(HintState(HintStatus.BROKEN, what))
        return self.state

    def _announces(self, cookie: Path) -> bool:
        """Make a file and wait for its event; a watcher that still delivers others is behind."""
        try:
            cookie.touch()
            cookie.unlink()
        except OSError:
            return cookie.parent.is_dir()  # no room there proves nothing
        for _ in range(MOST_BEHIND):
            heard = self._heard
            if self._proven.wait(PROOF_S):
                return True
            if heard == self._heard:
                break
        return False

    def hint(self, path: str) -> None:
        self._heard += 1
        if self._cookie is not None and path.startswith(self._cookie):
            self._proven.set()
        elif not self._stopped:
            self._on_hint(self._root, path.rstrip("/") or "/")

    def overflowed(self) -> None:
        if not self._stopped:
            self._on_overflow(self._root)

    def limited(self, error: OSError) -> None:
        self._limit = error
        self._end(HintState(HintStatus.LIMIT, why_unwatched(self._root, error)))

    def died(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        self._end(HintState(HintStatus.BROKEN, f"Watching {self._root} broke ({said}). {POLLED}"))

    def unrooted(self) -> None:
        what = f"{self._root} was removed or unmounted while it was watched"
        self._end(HintState(HintStatus.MISSING, f"{what}. {POLLED}"))

    def _give_up(self, error: OSError) -> HintState:
        """Free what was taken: half a watch would only keep others from theirs."""
        _wait_for([self.stop()], STOP_PATIENCE)
        missing = error.errno in MISSING
        limited = error.errno in OUT_OF
        status = HintStatus.LIMIT if limited else HintStatus.FAILED
        self.state = HintState(
            HintStatus.MISSING if missing else status, why_unwatched(self._root, error)
        )
        return self.state

    def _end(self, state: HintState) -> None:
        with self._lock:
            told = self.state is WATCHING and not self._stopped
            if self.state is WATCHING or self.state is OFF:
                self.state = state
        if told:
            if self._on_trouble is not None:
                self._on_trouble(self._root, state)
            self._on_overflow(self._root)


def _stop(observer: FolderObserver | None) -> None:
    if observer is None:
        return
    observer.stop()
    if observer.is_alive():
        observer.join()


def _wait_for(stoppers: list[threading.Thread], patience: float) -> None:
    """Wait for threads to end; those that hang in the kernel are left behind."""
    until = time.monotonic() + patience
    for stopper in stoppers:
        stopper.join(max(0.0, until - time.monotonic()))
