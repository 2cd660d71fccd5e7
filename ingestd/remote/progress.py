"""How far an upload in flight has come, and how fast."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_S: Final = 1.0  # between two marks
_MARKS: Final = 11  # so the pace is that of about the last ten seconds


class Progress:
    """What an upload in flight shows; written by its worker, read by the loop.

    Sending and awaiting the answer are two phases with limits of their own (`stall_timeout`,
    `answer_timeout`).

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._phase, self._since, self._sent = "sending", clock(), 0
        self._marks: deque[tuple[float, int]] = deque([(self._since, 0)], maxlen=_MARKS)

    @property
    def sent(self) -> int:
        """Bytes of the file that the network has accepted."""
        return self._sent

    @sent.setter
    def sent(self, size: int) -> None:
        self._sent = size
        now = self._clock()
        if now - self._marks[-1][0] >= _EVERY_S:
            self._marks.append((now, size))

    @property
    def phase(self) -> str:
        """Either `sending` or `awaiting_answer`."""
        return self._phase

    @phase.setter
    def phase(self, phase: str) -> None:
        self._phase, self._since = phase, self._clock()

    @property
    def phase_s(self) -> float:
        """For how long this phase has lasted, seconds."""
        return self._clock() - self._since

    @property
    def bytes_per_second(self) -> float:
        """The pace of late; 0 once all is sent."""
        if self._phase != "sending":
            return 0.0
        now, marks = self._clock(), tuple(self._marks)
        young = [mark for mark in marks if now - mark[0] <= _EVERY_S * _MARKS]
        since, before = young[0] if young else marks[-1]
        return (self._sent - before) / max(now - since, 0.001)
