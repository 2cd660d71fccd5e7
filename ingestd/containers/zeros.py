"""Whether the end of a stretch of media was never written.

A copy that reserves the whole size first and fills it in order leaves zeros from where it stopped
to the end (field notes: "Is the file complete?"). Compressed pictures and sound hold no long runs
of zeros, so the rule is (rules R5): the last quarter of the last media chunk is zeros.

Not every byte is read: the quarter is sampled at evenly spaced places, its first and its last block
among them. That is sound in the direction that matters: one written block among the samples
disproves it, and a writer that fills in order has written nothing behind the first zero. In a
quarter of up to `SAMPLES` blocks every byte is read. Almost every file ends the test with its
first read, the last block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ingestd.containers.source import Reader

BLOCK: Final = 1 << 16
"""Bytes of one sample."""

SAMPLES: Final = 16
"""Samples taken of a quarter."""

LEAST: Final = 256
"""Chunks below this many bytes are not judged: one timecode or silent frame may be all zeros."""


def zero_tail(reader: Reader, start: int, end: int) -> bool:
    """Tell whether the last quarter of the media chunk [start, end) looks never written."""
    end = min(end, reader.size)
    if end - start < LEAST:
        return False
    quarter = end - (end - start) // 4
    return all(_zero(reader, offset, end) for offset in _offsets(quarter, end))


def _offsets(start: int, end: int) -> list[int]:
    """Return where samples begin, last first: evenly spaced, both ends covered."""
    last = end - BLOCK
    if last <= start:
        return [start]
    count = min(SAMPLES, -(-(end - start) // BLOCK))
    return [start + (last - start) * index // (count - 1) for index in reversed(range(count))]


def _zero(reader: Reader, offset: int, end: int) -> bool:
    data = reader.at(offset, min(BLOCK, end - offset))
    return data == bytes(len(data))
