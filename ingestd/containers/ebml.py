"""EBML elements (RFC 8794): a self-delimiting ID, a size of 1 to 8 bytes, the data."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.containers.source import Reader

_MAX_HEADER: Final = 12  # 4 bytes of ID, 8 of size
_MAX_ID: Final = 4
_MAX_SIZE: Final = 8
_MAX_CHILDREN: Final = 1024
_MAX_NUMBER: Final = 8


@dataclass(frozen=True, slots=True)
class Element:
    """One element by its header; `end` may lie past the file's end, None: of unknown size."""

    kind: int
    start: int
    body: int
    end: int | None


def element_at(reader: Reader, offset: int) -> Element | None:
    """Read the element header at `offset`; None when no whole header of an element lies there."""
    header = reader.at(offset, _MAX_HEADER)
    width = _width(header, 0)
    if not width or width > _MAX_ID:
        return None
    kind = int.from_bytes(header[:width], "big")
    length = _width(header, width)
    body = width + length
    if not length or len(header) < body:
        return None
    value_bits = (1 << 7 * length) - 1
    size = int.from_bytes(header[width:body], "big") & value_bits
    end = None if size == value_bits else offset + body + size
    return Element(kind, offset, offset + body, end)


def _width(header: bytes, at: int) -> int:
    """Return how many bytes a variable-size integer takes; 0 when its first byte is 0 or absent."""
    first = header[at] if at < len(header) else 0
    return _MAX_SIZE + 1 - first.bit_length() if first else 0


def children(reader: Reader, parent: Element) -> Iterator[Element]:
    """Walk the elements of known size in a parent; ends quietly at the first that does not fit."""
    at, limit = parent.body, reader.size if parent.end is None else parent.end
    for _ in range(_MAX_CHILDREN):
        if at >= limit:
            return
        element = element_at(reader, at)
        if element is None or element.end is None or element.end > limit:
            return
        yield element
        at = element.end


def data(reader: Reader, element: Element, most: int) -> bytes:
    """Read an element's data, at most `most` bytes of it."""
    return reader.at(element.body, min(most, (element.end or element.body) - element.body))


def unsigned(reader: Reader, element: Element) -> int:
    """Read an unsigned integer element; it has up to 8 bytes (RFC 8794, 7.2)."""
    return int.from_bytes(data(reader, element, _MAX_NUMBER), "big")


def floating(reader: Reader, element: Element) -> float:
    """Read a float element of 4 or 8 bytes; any other length counts as 0 (RFC 8794, 7.3)."""
    raw = data(reader, element, _MAX_NUMBER)
    form = {4: ">f", 8: ">d"}.get(len(raw))
    return float(struct.unpack(form, raw)[0]) if form else 0.0


def text(reader: Reader, element: Element, most: int = 64) -> str:
    """Read a string element, cut at its first zero byte (RFC 8794, 7.4)."""
    return data(reader, element, most).split(b"\0")[0].decode("latin-1")
