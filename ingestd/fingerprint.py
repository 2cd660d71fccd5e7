"""Identity by content: a cheap sample that raises a suspicion, a full hash that decides.

The sample is xxh3_128 over the size (8 bytes, big-endian) and 1 MiB each of head, middle and
tail; a file of 3 MiB or less counts whole. The middle begins at (size - 1 MiB) // 2. The full hash
is blake3 over all bytes. Two files with one sample may differ (rules R4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blake3 import blake3
from xxhash import xxh3_128

if TYPE_CHECKING:
    import threading

    from ingestd.containers import Source

PIECE: Final = 1 << 20
"""Bytes of each of head, middle and tail, and of one read."""


class ShrunkError(OSError):
    """The file ended before the size it had when it was opened."""


def spans(size: int) -> tuple[tuple[int, int], ...]:
    """Return (offset, length) of what the sample of a file of `size` bytes covers, in order."""
    if size <= 3 * PIECE:
        return ((0, size),)
    return ((0, PIECE), ((size - PIECE) // 2, PIECE), (size - PIECE, PIECE))


class Sampler:
    """Computes the sample from bytes that stream past in order, in pieces of any length.

    Proves that what was sent is what was judged: it looks only at the sampled spans and copies
    nothing.
    """

    __slots__ = ("_hash", "_position", "_size", "_spans")

    def __init__(self, size: int) -> None:
        self._size = size
        self._spans = spans(size)
        self._hash = xxh3_128(size.to_bytes(8, "big"))
        self._position = 0

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the file."""
        begin = self._position
        self._position = end = begin + len(chunk)
        for offset, length in self._spans:
            first, last = max(begin, offset), min(end, offset + length)
            if first < last:
                self._hash.update(memoryview(chunk)[first - begin : last - begin])

    def hexdigest(self) -> str:
        """Return the sample as 32 hex digits; "" unless exactly `size` bytes went past.

        So a stream that was cut or grew never compares equal to a sample.
        """
        return self._hash.hexdigest() if self._position == self._size else ""


def sampled(source: Source) -> str:
    """Return the sampled fingerprint of a file as 32 hex digits.

    Raises:
        ShrunkError: The file became shorter meanwhile.
        OSError: It could not be read.
    """
    result = xxh3_128(source.size.to_bytes(8, "big"))
    for offset, length in spans(source.size):
        for start in range(offset, offset + length, PIECE):
            result.update(_read(source, start, min(PIECE, offset + length - start)))
    return result.hexdigest()


def full_hash(source: Source, stop: threading.Event | None = None) -> str | None:
    """Return the blake3 of all bytes as 64 hex digits; None when `stop` was set meanwhile.

    Reads 1 MiB at a time, hashes in one thread.

    Raises:
        ShrunkError: The file became shorter meanwhile.
        OSError: It could not be read.
    """
    result = blake3()
    for start in range(0, source.size, PIECE):
        if stop is not None and stop.is_set():
            return None
        result.update(_read(source, start, min(PIECE, source.size - start)))
    return result.hexdigest()


def _read(source: Source, offset: int, length: int) -> bytes:
    data = source.read(offset, length)
    if len(data) != length:
        raise ShrunkError(f"ended {length - len(data)} bytes too early")
    return data
