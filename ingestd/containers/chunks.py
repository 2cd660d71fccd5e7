"""RIFF chunks: a type of 4 characters, a little-endian size, the data, padded to an even length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.containers.source import Reader

HEADER: Final = 8
_FORM: Final = 4
_LISTS: Final = (b"RIFF", b"LIST")
_MAX_CHILDREN: Final = 4096


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk by its header; `end` is what the header says and may lie past the file's end."""

    kind: bytes
    form: bytes  # the type of a RIFF or LIST; its chunks follow it
    body: int
    size: int
    end: int

    @property
    def following(self) -> int:
        """Where the next chunk begins."""
        return self.end + self.end % 2


def chunk_at(reader: Reader, offset: int) -> Chunk | None:
    """Read the chunk header at `offset`; None when no whole header of a chunk lies there."""
    header = reader.at(offset, HEADER + _FORM)
    kind, size = header[:4], int.from_bytes(header[4:HEADER], "little")
    if len(header) < HEADER or 0 in kind:
        return None
    is_list = kind in _LISTS
    return Chunk(
        kind=kind,
        form=header[HEADER:] if is_list else b"",
        body=offset + HEADER + (_FORM if is_list else 0),
        size=size,
        end=offset + HEADER + size,
    )


def children(reader: Reader, parent: Chunk) -> Iterator[Chunk]:
    """Walk the chunks of a list; ends quietly at the first that does not fit."""
    at = parent.body
    for _ in range(_MAX_CHILDREN):
        chunk = chunk_at(reader, at) if at + HEADER <= parent.end else None
        if chunk is None or chunk.end > parent.end:
            return
        yield chunk
        at = chunk.following


def child(reader: Reader, parent: Chunk, name: bytes) -> Chunk | None:
    """Find a child by its name: a list's form, else the chunk's kind."""
    return next((one for one in children(reader, parent) if name in (one.kind, one.form)), None)


def field(reader: Reader, chunk: Chunk, offset: int) -> int:
    """Read a little-endian 32-bit field; 0 past the chunk's end."""
    if offset + 4 > chunk.size:
        return 0
    return int.from_bytes(reader.at(chunk.body + offset, 4), "little")


def fourcc(reader: Reader, chunk: Chunk, offset: int) -> str:
    """Read a FourCC as text; "" when it is no text (0: uncompressed) or past the chunk's end."""
    raw = reader.at(chunk.body + offset, 4) if offset + 4 <= chunk.size else b""
    return raw.decode() if raw.isascii() and raw.strip(b"\0 ") else ""
