"""Reading one checksum list: XML from anybody, read as a stream and within limits.

No entity, no document type, no depth and no text beyond what a list needs is accepted, so that
neither a bomb of entities nor a huge file costs memory. Paths in a list are only compared, never
opened; those that are absolute or climb are left out.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from ingestd.checksums.digests import HASHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES: Final = 256 << 20
MOST_ENTRIES: Final = 1_000_000
MOST_DEPTH: Final = 32
MOST_TEXT: Final = 16 << 10  # characters of one element
_PIECE: Final = 1 << 18


class ListError(Exception):
    """A list that cannot be read (yet); the message says why, without its name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a list."""

    kind: str  # the quickest of its hashes that we know
    value: str
    size: int | None = None


@dataclass(slots=True)
class _Hash:
    """A `<hash>` while it is read."""

    path: str = ""
    size: int | None = None
    values: dict[str, str] = field(default_factory=dict)


class _Reader:
    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._open: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._hash: _Hash | None = None
        self._failed = False  # the element says that this hash did not verify

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(":")[2].lower()
        if not self._open and tag not in {"hashlist", "ascmhldirectory"}:
            raise ListError(f"it is no checksum list but <{tag[:20]}>")
        self._open.append(tag)
        if len(self._open) > MOST_DEPTH:
            raise ListError("it is nested too deep")
        self._text, self._length = [], 0
        if tag in {"hash", "hashlist"} and len(self._open) > 1:
            self._hash = _Hash()
        elif self._hash is not None:
            self._failed = attributes.get("action", "").lower() == "failed"
            if tag == "path":
                self._hash.size = _whole(attributes.get("size"))

    def text(self, data: str) -> None:
        if self._hash is None:
            return
        self._length += len(data)
        if self._length > MOST_TEXT:
            raise ListError("it has an element with too much text")
        self._text.append(data)

    def end(self, name: str) -> None:
        del name
        tag = self._open.pop()
        if self._hash is None:
            return
        if tag in {"hash", "hashlist"}:
            self._keep(self._hash)
            self._hash = None
            return
        value = "".join(self._text).strip()
        self._text, self._length = [], 0
        if tag in {"file", "path"}:
            self._hash.path = value
        elif tag == "size":
            self._hash.size = _whole(value)
        elif tag in HASHERS and value and not self._failed:
            self._hash.values.setdefault(tag, value)

    def _keep(self, found: _Hash) -> None:
        path = comparable(found.path)
        kind = next((kind for kind in HASHERS if kind in found.values), None)
        if path is None or kind is None:
            return
        if len(self.entries) >= MOST_ENTRIES:
            raise ListError(f"it names more than {MOST_ENTRIES} files")
        self.entries.setdefault(path, Entry(kind, found.values[kind], found.size))


def comparable(path: str) -> str | None:
    """A relative path in the one form in which paths are compared; None: it leads elsewhere.

    Tools on Windows write backslashes, and macOS decomposes letters with accents.
    """
    plain = path if "/" in path else path.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if not parts or ".." in parts or plain.startswith("/"):
        return None
    return unicodedata.normalize("NFC", "/".join(parts))


def parse(read: Callable[[int], bytes]) -> dict[str, Entry]:
    """Read a list: its files by comparable path, relative to where the list says.

    Args:
        read: gives the next bytes, at most so many; empty at the end.

    Raises:
        ListError: it is none, is not whole yet, or goes beyond the limits.
        OSError: as `read` raises it.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    total = 0
    try:
        while piece := read(_PIECE):
            total += len(piece)
            if total > MOST_BYTES:
                raise ListError("it is larger than any list of a card")
            parser.Parse(piece, False)  # noqa: FBT003 - expat's own argument
        parser.Parse(b"", True)  # noqa: FBT003 - as above
    except expat.ExpatError as error:
        raise ListError(f"it is not whole, or no XML (line {error.lineno})") from error
    return reader.entries


def _refuse(*_: object) -> None:
    raise ListError("it declares entities or a document type, as no list does")


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.strip().isdigit() else None
