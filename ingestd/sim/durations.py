"""Reads the duration of an MP4 or MOV file from its bytes as they stream past."""

from __future__ import annotations

import struct
from typing import Final

_HEAD: Final = 8
_LARGE_HEAD: Final = 16
_CONTAINER: Final = b"moov"
_TARGET: Final = b"mvhd"
_TARGET_BYTES: Final = 32
"""Version, flags, two times, timescale and duration in either version (ISO 14496-12, 8.2.2)."""


class DurationScanner:
    """Walks the boxes of ISO 14496-12, 4.2, skipping all but the movie header.

    Any other container, and any damage, just leaves `seconds` at None.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._skip = 0
        self._buffer = bytearray()
        self._want = _HEAD
        self._in_target = False
        self._done = False

    def feed(self, data: memoryview) -> None:
        """Take the next piece of the file."""
        at = 0
        while not self._done and at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            step = min(self._want - len(self._buffer), len(data) - at)
            self._buffer += data[at : at + step]
            at += step
            if len(self._buffer) == self._want:
                self._step()

    def _step(self) -> None:
        if self._in_target:
            self.seconds = _movie_seconds(bytes(self._buffer))
            self._done = True
            return
        size, kind = struct.unpack(">I4s", self._buffer[:_HEAD])
        if size == 1 and self._want == _HEAD:
            self._want = _LARGE_HEAD
            return
        if size == 1:
            size = int.from_bytes(self._buffer[_HEAD:_LARGE_HEAD], "big")
        self._enter(kind, size - self._want)

    def _enter(self, kind: bytes, content: int) -> None:
        self._buffer.clear()
        self._want = _HEAD
        if content < 0:
            self._done = True
        elif kind == _TARGET:
            self._in_target = True
            self._want = _TARGET_BYTES
        elif kind != _CONTAINER:
            self._skip = content


def _movie_seconds(head: bytes) -> float | None:
    if head[0] == 1:
        timescale, duration = struct.unpack(">IQ", head[20:32])
    else:
        timescale, duration = struct.unpack(">II", head[12:20])
    return duration / timescale if timescale and duration else None
