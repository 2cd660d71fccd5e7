"""Hears of every mount and unmount without touching a file system (proc(5), mountinfo)."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ingestd.watch.mounts import MOUNTINFO, MountTable, read_mounts

if TYPE_CHECKING:
    from collections.abc import Callable

#: A machine with containers mounts in bursts: so long is waited for the end of one, seconds.
CALM_S: Final = 0.3


class MountWatch:
    """One thread that sleeps until the mount table changes.

    Args:
        on_change: Told the new table, in that thread; must be quick.
    """

    def __init__(self, on_change: Callable[[MountTable], None]) -> None:
        self._on_change = on_change
        self._ended, self._end = os.pipe2(os.O_CLOEXEC)
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="mounts", daemon=True).start()

    def close(self) -> None:
        """End the thread; harmless when repeated."""
        if not self._closed.is_set():
            self._closed.set()
            os.close(self._end)

    def _run(self) -> None:
        # Without /proc nobody hears of mounts; the scans still look.
        with suppress(OSError), MOUNTINFO.open("rb", buffering=0) as table:
            poll = select.poll()
            poll.register(table, select.POLLPRI)  # and POLLERR, which always counts
            poll.register(self._ended, 0)
            while not self._closed.is_set():
                poll.poll()
                if not self._closed.wait(CALM_S):
                    self._on_change(read_mounts())
        os.close(self._ended)
