"""Where bytes come from, and a reader that bounds what a hostile file can make us do."""

from __future__ import annotations

from typing import Final, Protocol

BLOCK: Final = 4096
"""Bytes fetched at once: neighbouring headers cost one read."""

MAX_LOOKS: Final = 400_000
"""Looks one examination may take: 100 000 fragments of a long recording, about one second."""

MAX_LOOK: Final = 1 << 16
"""Bytes one look may ask for."""


class Source(Protocol):
    """Bytes that can be read at any offset."""

    @property
    def size(self) -> int:
        """The number of bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes at `offset`; short only at the end. OSError goes to the caller."""


class BytesSource:
    """Bytes in memory as a source."""

    __slots__ = ("_data", "size")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Read up to `length` bytes at `offset`."""
        return self._data[offset : offset + length]


class TooManyLooksError(Exception):
    """The structure has more pieces than an honest recording has."""


class Reader:
    """Reads a source in cached blocks and gives up after `MAX_LOOKS` looks."""

    __slots__ = ("_block", "_looks", "_source", "_start", "size")

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size
        self._start = 0
        self._block = b""
        self._looks = 0

    def at(self, offset: int, length: int) -> bytes:
        """Read `length` bytes (at most `MAX_LOOK`) at `offset`; short only at the end.

        Raises:
            TooManyLooksError: `MAX_LOOKS` looks were taken.
            OSError: The source could not be read.
        """
        self._looks += 1
        if self._looks > MAX_LOOKS:
            raise TooManyLooksError
        if offset >= self.size:
            return b""
        length = min(length, MAX_LOOK)
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._block):
            self._block = self._source.read(offset, max(length, BLOCK))
            self._start = offset
            begin = 0
        return self._block[begin : begin + length]

    def number(self, offset: int, length: int) -> int:
        """Read a big-endian number of `length` bytes; bytes past the end count as absent."""
        return int.from_bytes(self.at(offset, length), "big")
