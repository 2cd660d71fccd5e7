"""Signals wake the loop, whichever thread the kernel gives them to.

Python runs a signal's handler in the main thread, and only when that thread runs: asleep in a
queue, it is woken by a signal of its own only. The kernel may choose another thread (as after a
SIGCONT), and a SIGTERM would wait for the next scan. The wake-up descriptor is written by the C
handler in any thread (`signal.set_wakeup_fd`).
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SignalWakeup:
    """Calls `wake` from a thread of its own after each signal that has a handler."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._write, False)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let signals be as they were before."""
        signal.set_wakeup_fd(self._before)
        os.close(self._write)
        self._thread.join()
        os.close(self._read)

    def _run(self) -> None:
        with suppress(OSError):
            while os.read(self._read, 64):
                self._wake()
