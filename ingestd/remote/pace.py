"""One bandwidth limit, shared by all uploads in flight."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 20  # bytes read and handed on at a time; measured: more brings nothing
_SMALLEST_PIECE = 4 << 10
_LOOK_AGAIN_S = 0.5  # between two looks at a limit that may have changed
_PIECES_PER_SECOND = 4  # a slow link is fed evenly, not in bursts a far side could take for a stall


class Pace:
    """A token bucket over bytes per second; thread-safe.

    Args:
        rate: Bytes per second for all takers together; None is unlimited.
        clock: Monotonic seconds.
    """

    def __init__(
        self, rate: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._rate = rate
        self._free_at = clock()
        self._changes = 0  # how often the limit was changed

    @property
    def rate(self) -> float | None:
        """The limit in bytes per second; None is unlimited."""
        return self._rate

    def set_rate(self, rate: float | None) -> None:
        """Change the limit; it holds from the next piece on."""
        with self._lock:
            self._rate = rate
            self._free_at = self._clock()
            self._changes += 1

    def piece_size(self) -> int:
        """Give the size in bytes of the next piece: the smaller, the slower."""
        rate = self._rate
        if rate is None:
            return PIECE
        return max(_SMALLEST_PIECE, min(PIECE, int(rate / _PIECES_PER_SECOND)))

    def reserve(self, size: int) -> float:
        """Book `size` bytes and return how many seconds to wait before they may go out."""
        with self._lock:
            now = self._clock()
            if self._rate is None:
                return 0.0
            starts_at = max(self._free_at, now)
            self._free_at = starts_at + size / self._rate
            return starts_at - now

    def take(self, size: int, stop: threading.Event) -> None:
        """Wait until `size` bytes may go out, until `stop` is set, or until the limit changes."""
        before = self._changes
        until = self.reserve(size) + self._clock()
        while self._changes == before and (delay := until - self._clock()) > 0:
            if stop.wait(min(delay, _LOOK_AGAIN_S)):
                return
