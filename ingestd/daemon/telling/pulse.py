"""Whether the loop moves: read from another thread, so that a hung loop can be told of."""

from __future__ import annotations

from typing import NamedTuple


class _Beat(NamedTuple):
    awake_since: float | None  # monotonic; None: it sleeps
    until: float | None  # it means to sleep until then; None: until a message comes


class Pulse:
    """Told by the loop when it wakes and sleeps. One assignment each: no lock is needed."""

    def __init__(self, mono: float) -> None:
        self._beat = _Beat(mono, None)

    def awake(self, mono: float) -> None:
        """A step begins."""
        self._beat = _Beat(mono, None)

    def asleep(self, until: float | None) -> None:
        """The loop waits for a message, or for this monotonic moment."""
        self._beat = _Beat(None, until)

    def stuck_for(self, mono: float) -> float:
        """For how long the loop has been in one step, or overslept; seconds."""
        beat = self._beat
        since = beat.until if beat.awake_since is None else beat.awake_since
        return 0.0 if since is None else max(0.0, mono - since)
