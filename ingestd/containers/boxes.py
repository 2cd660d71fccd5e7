"""Boxes (QuickTime: atoms) of ISO/IEC 14496-12, section 4.2: size, type, payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.containers.source import Reader

_TO_END: Final = 0
_LARGE: Final = 1
_HEADER: Final = 8
_LARGE_HEADER: Final = 16
_MAX_CHILDREN: Final = 1024
_PRINTABLE: Final = frozenset([*range(0x20, 0x7F), 0xA9])  # 0xA9: Apple's (c) names


@dataclass(frozen=True, slots=True)
class Box:
    """One box by its header; `end` is what the header says and may lie past the file's end."""

    kind: bytes
    start: int
    body: int
    end: int


def box_at(reader: Reader, offset: int, limit: int) -> Box | None:
    """Read the box header at `offset`; None when no whole header of a box lies there.

    A size of 0 means "to the end" (of the file, or of `limit` inside a parent).
    """
    header = reader.at(offset, _LARGE_HEADER)[: max(0, limit - offset)]
    kind = header[4:_HEADER]
    if len(header) < _HEADER or not _PRINTABLE.issuperset(kind):
        return None
    size, body = int.from_bytes(header[:4], "big"), offset + _HEADER
    if size == _TO_END:
        return Box(kind, offset, body, max(limit, body))
    if size == _LARGE:
        if len(header) < _LARGE_HEADER:
            return None
        size, body = int.from_bytes(header[_HEADER:], "big"), offset + _LARGE_HEADER
    return Box(kind, offset, body, offset + size) if offset + size >= body else None


def children(reader: Reader, start: int, end: int) -> Iterator[Box]:
    """Walk the boxes in [start, end); ends quietly at the first that does not fit."""
    for _ in range(_MAX_CHILDREN):
        box = box_at(reader, start, end)
        if box is None or box.end > end:
            return
        yield box
        start = box.end


def find(reader: Reader, parent: Box, *path: bytes, skip: int = 0) -> Box | None:
    """Find the first box at a path below `parent`, whose children begin `skip` bytes in."""
    found: Box | None = parent
    for kind in path:
        if found is None:
            return None
        inside = children(reader, found.body + skip, found.end)
        found = next((box for box in inside if box.kind == kind), None)
        skip = 0
    return found
