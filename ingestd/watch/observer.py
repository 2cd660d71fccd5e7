"""watchdog 7.1 with its blind spots hooked: overflow, limits, dead threads (field notes).

The release line is pinned because public methods of its parts are overridden here; a test fails
when one of them is gone.
"""

from __future__ import annotations

import errno
import os
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter, InotifyWatchGroup
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

if TYPE_CHECKING:
    from watchdog.observers.api import EventEmitter

# Unfiltered, each directory that is listed and each file that is read, by ourselves too, wakes us
# (lab-perf 5). Created and deleted files come with it, for a hard link is never closed.
EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]

_TOLD: Final = tuple(EVENTS)

# The limits of inotify(7), of descriptors and of memory.
OUT_OF: Final = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class Listener(Protocol):
    """What a folder's observer tells; called from its threads."""

    def hint(self, path: str) -> None:
        """Something happened at this path."""

    def overflowed(self) -> None:
        """The kernel dropped events."""

    def limited(self, error: OSError) -> None:
        """A directory could not be watched: inotify's limits are used up."""

    def died(self, error: Exception) -> None:
        """A thread of the observer ended by an error: nothing comes any more."""

    def unrooted(self) -> None:
        """The watched root was deleted or unmounted: nothing comes any more."""


class FolderObserver(BaseObserver):
    """Watches one folder: a reader and a grouper, which tells; one inotify instance.

    A third thread, watchdog's dispatcher, has nothing to do: what passed through it came later.

    Args:
        root: The folder; may be a link, which is followed. No link below it is.
        recursive: Whether sub-directories are watched, new ones as they come.
        listener: Who is told.
        beside: A directory that is watched as well, in the same way; None: none is.
        skip: Directories that are neither watched nor walked: what is mounted there may hang.

    Raises:
        OSError: EMFILE when there are too many inotify instances.
    """

    def __init__(
        self,
        root: str,
        *,
        recursive: bool,
        listener: Listener,
        beside: str | None = None,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        _silence_harmless_warnings()
        self._listener = listener
        # The trailing slash makes the kernel follow a root that is a link (IN_DONT_FOLLOW is set).
        path = root.rstrip("/") + "/"
        self._reader = _Reader(os.fsencode(path), listener)
        self._reader.start()
        emitter = partial(
            _Emitter,
            listener=listener,
            beside=None if beside is None else os.fsencode(beside),
            skip=frozenset(map(os.fsencode, skip)),
        )
        super().__init__(cast("type[EventEmitter]", emitter), inotify_fd=self._reader)
        self.schedule(FileSystemEventHandler(), path, recursive=recursive, event_filter=EVENTS)

    def on_thread_stop(self) -> None:
        """Stop the other threads too."""
        super().on_thread_stop()
        self._reader.stop()
        self._reader.join()


class _Reader(InotifyFD):
    """Reads the kernel's queue of one folder."""

    def __init__(self, root: bytes, listener: Listener) -> None:
        self._root = root
        self._root_watch: WatchDescriptor | None = None
        self._listener = listener
        super().__init__()

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - whatever it is, hints have ended
            self._listener.died(error)

    def handle_event(self, event: InotifyEvent) -> None:
        super().handle_event(event)  # on an overflow: watches what it missed to watch
        if event.is_queue_overflow:
            self._listener.overflowed()
        elif event.is_ignored and event.wd == self._root_watch:
            self._listener.unrooted()

    def add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        """Watch one directory.

        Raises:
            OSError: Watchdog drops it, except for the root: what matters is told before.
        """
        try:
            if not os.access(path, os.R_OK, effective_ids=True):  # EACCES would count as success
                raise _access_error(path)
            watch = super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno in OUT_OF:
                self._listener.limited(error)
            elif path == self._root and self._root_watch is not None:
                self._listener.unrooted()
            raise
        if path == self._root:
            self._root_watch = watch
        return watch


class _Emitter(InotifyEmitter):
    """Groups the halves of moves and turns kernel events into watchdog's."""

    def __init__(
        self,
        *args: Any,
        listener: Listener,
        beside: bytes | None,
        skip: frozenset[bytes],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._listener, self._beside, self._skip = listener, beside, skip

    def on_thread_start(self) -> None:
        self._inotify = _Group(
            self._inotify_fd,
            os.fsencode(self.watch.path),
            event_mask=self.get_event_mask_from_filter(),
            is_recursive=self.watch.is_recursive,
            beside=self._beside,
            skip=self._skip,
        )

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - whatever it is, hints have ended
            self._listener.died(error)

    def queue_event(self, event: FileSystemEvent) -> None:
        """Hand on where it happened, and nothing else; at once, not by way of the dispatcher."""
        if isinstance(event, _TOLD):
            for path in (event.src_path, event.dest_path):
                if path:
                    self._listener.hint(os.fsdecode(path))

    def on_thread_stop(self) -> None:
        group = self._inotify
        try:
            super().on_thread_stop()
        except Exception:  # noqa: BLE001 - its books can be wrong after much renaming
            if group is not None:
                group._move_event_grouper.close()  # noqa: SLF001 - else this thread never ends


class _Group(InotifyWatchGroup):
    """The watches of one folder, and of the directory in which it is proven that they work."""

    def __init__(
        self, *args: Any, beside: bytes | None, skip: frozenset[bytes], **kwargs: Any
    ) -> None:
        self._beside, self._skip = beside, skip
        super().__init__(*args, **kwargs)

    def _add_all_callbacks(self, path: bytes) -> None:
        """Watch a directory and all below it; also anew after an overflow."""
        if path == self.path and self._beside is not None:
            self._add_callback(self._beside)
        if path in self._skip:
            return
        self._add_callback(path)
        if not self.is_recursive:
            return
        todo = [path.rstrip(b"/") + b"/"]
        while todo:
            here = todo.pop()
            for name in _directories(here):
                below = here + name
                if below not in self._skip:
                    self._add_callback(below)
                    todo.append(below + b"/")


def _directories(path: bytes) -> list[bytes]:
    """The names of a directory's sub-directories, links not among them."""
    try:
        with os.scandir(path) as items:
            return [item.name for item in items if item.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # it went away, may not be read, or is none


def _access_error(path: bytes) -> OSError:
    code = errno.EACCES if os.path.lexists(path) else errno.ENOENT
    return OSError(code, os.strerror(code))


def _silence_harmless_warnings() -> None:
    """Keep watchdog from warning, once for each directory, that it watched one twice.

    It does so whenever directories are made in directories, and nothing is wrong then.
    """
    warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
