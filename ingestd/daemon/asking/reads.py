"""How often the far side is asked: one pace for all reads of the process."""

from __future__ import annotations

import threading
import time


class ReadPace:
    """Spaces reads evenly; `wait` is called by workers just before each."""

    def __init__(self, per_second: float | None) -> None:
        """Make a pace; None: unlimited."""
        self._interval = 1.0 / per_second if per_second else 0.0
        self._next = 0.0
        self.last = float("-inf")  # when a read went out last, monotonic
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def wait(self) -> None:
        """Block until it is this read's turn, or until `close`."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next) if self._interval else now
            self._next = turn + self._interval
        if turn > now:
            self._stop.wait(turn - now)
        self.last = time.monotonic()

    def change(self, per_second: float | None) -> None:
        """Take another pace from now on."""
        self._interval = 1.0 / per_second if per_second else 0.0

    def close(self) -> None:
        """Hold nobody up any more."""
        self._stop.set()
