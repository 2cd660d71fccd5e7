"""Tells a connection that is slow from one that is stuck.

Only time in which the connection had no room counts: what our own bandwidth limit holds back, and
what the disk takes to read, is no stall.
"""

from __future__ import annotations

from typing import Final

# bytes/s. A connection that hardly trickles would keep a slot for weeks: at this pace a clip of
# 100 MB takes more than a day. The slowest link that anybody sends video over, an old modem or a
# satellite phone, is several times faster.
FLOOR: Final = 1024.0


class Stall:
    """Watches one request's sending."""

    def __init__(self) -> None:
        self._idle = 0.0  # without room since the last byte, seconds
        self._blocked = 0.0  # without room in this stretch, seconds
        self._accepted = 0  # bytes in this stretch

    def accepted(self, size: int) -> None:
        """The network took so many bytes."""
        if size:
            self._idle = 0.0
            self._accepted += size

    def waited(self, seconds: float, timeout: float) -> bool:
        """Add time without room; tell whether the connection is stuck.

        Args:
            seconds: So long it had none.
            timeout: How long not one byte may be accepted; over as long as that, `FLOOR` is the
                least pace.
        """
        self._idle += seconds
        self._blocked += seconds
        if self._idle > timeout:
            return True
        if self._blocked < timeout:
            return False
        trickles = self._accepted < FLOOR * self._blocked
        self._blocked, self._accepted = 0.0, 0
        return trickles
