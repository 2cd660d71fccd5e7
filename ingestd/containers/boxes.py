"""Boxes (QuickTime: atoms) of ISO/IEC 14496-12, section 4.2: size, type, payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Inside:
    """The children of a box."""

    boxes: tuple[Box, ...] = ()
    unwritten: bool = False  # zeros stand where the next child should: its content has not arrived

    def first(self, kind: bytes) -> Box | None:
        """Find the first child of a kind."""
        return next((box for box in self.boxes if box.kind == kind), None)

    def all(self, kind: bytes) -> tuple[Box, ...]:
        """Find all children of a kind."""
        return tuple(box for box in self.boxes if box.kind == kind)


def inside(reader: Reader, parent: Box | None, skip: int = 0) -> Inside:
    """Read the headers of a box's children, which begin `skip` bytes in; none of no box.

    Ends at the first that does not fit.
    """
    if parent is None:
        return Inside()
    found: list[Box] = []
    at = parent.body + skip
    while len(found) < _MAX_CHILDREN and (box := box_at(reader, at, parent.end)):
        if box.end > parent.end:
            break
        found.append(box)
        at = box.end
    rest = reader.at(at, _HEADER) if parent.end - at >= _HEADER else b""
    return Inside(tuple(found), unwritten=rest.endswith(b"\0"))


def find(reader: Reader, parent: Box | None, *path: bytes) -> Box | None:
    """Find the first box at a path below `parent`."""
    for kind in path:
        parent = inside(reader, parent).first(kind)
    return parent
