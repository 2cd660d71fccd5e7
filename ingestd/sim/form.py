"""Takes a multipart form in as it streams past: the file is counted and hashed, never kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ingestd.sim.durations import DurationScanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from python_multipart.multipart import MultipartCallbacks

FILE_FIELD: Final = "file"
TEXT_LIMIT: Final = 1024 * 1024
"""Bytes of all text fields together that are kept; more breaks the form."""


class Hasher(Protocol):
    """The part of hashlib's interface that is used here."""

    def update(self, data: memoryview, /) -> object:
        """Add content."""

    def hexdigest(self) -> str:
        """The digest so far."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """What the file part was.

    Attributes:
        name: Its file name, verbatim.
        content_type: Its Content-Type, "" when it has none.
        size: Bytes of content.
        content_hash: Hex digest; None when contents are not hashed.
        duration_s: Seconds of video, if the container told.
    """

    name: str
    content_type: str
    size: int
    content_hash: str | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form as far as it arrived.

    Attributes:
        fields: Text fields in the order of arrival.
        file: The first file part named `file`.
        complete: The closing boundary has arrived.
        problem: Why the form cannot be read; "" when it can.
    """

    fields: tuple[tuple[str, str], ...]
    file: FilePart | None
    complete: bool
    problem: str


@dataclass(slots=True)
class _Part:
    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    text: bytearray = field(default_factory=bytearray)


class FormReader:
    """Fed with the body piece by piece, knows at each moment what has arrived so far."""

    def __init__(self, boundary: bytes, hasher: Hasher | None) -> None:
        self._parser = MultipartParser(boundary, self._callbacks())
        self._hasher = hasher
        self._scanner = DurationScanner()
        self._part = _Part()
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._take: Callable[[memoryview], None] = self._take_text
        self._fields: list[tuple[str, str]] = []
        self._file: _Part | None = None
        self._file_size = 0
        self._text_size = 0
        self._problem = ""
        self.complete = False

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._end_part,
            "on_end": self._end_form,
        }

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body; after a mistake in it the rest is passed over."""
        if self._problem:
            return
        try:
            self._parser.write(piece)
        except FormParserError as mistake:
            self._problem = str(mistake)

    @property
    def file_name(self) -> str | None:
        """Name of the file, as soon as the head of its part has arrived."""
        return None if self._file is None else self._file.file_name

    def form(self) -> UploadForm:
        """What has arrived."""
        return UploadForm(tuple(self._fields), self._file_part(), self.complete, self._problem)

    def _file_part(self) -> FilePart | None:
        if self._file is None:
            return None
        return FilePart(
            name=self._file.file_name or "",
            content_type=self._file.headers.get("content-type", ""),
            size=self._file_size,
            content_hash=None if self._hasher is None else self._hasher.hexdigest(),
            duration_s=self._scanner.seconds,
        )

    def _begin_part(self) -> None:
        self._part = _Part()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        name = self._header_name.decode("latin-1").lower()
        self._part.headers[name] = self._header_value.decode("latin-1").strip()
        self._header_name.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._part.headers.get("content-disposition", ""))
        self._part.name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self._part.file_name = options[b"filename"].decode(errors="replace")
        self._take = self._taker_of(self._part)

    def _taker_of(self, part: _Part) -> Callable[[memoryview], None]:
        if part.file_name is None:
            return self._take_text
        if part.name != FILE_FIELD or self._file is not None:
            return _take_nothing
        self._file = part
        return self._take_file

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._take(memoryview(data)[start:end])

    def _take_file(self, data: memoryview) -> None:
        self._file_size += len(data)
        self._scanner.feed(data)
        if self._hasher is not None:
            self._hasher.update(data)

    def _take_text(self, data: memoryview) -> None:
        self._text_size += len(data)
        if self._text_size > TEXT_LIMIT:
            raise FormParserError("the text fields are too long")
        self._part.text += data

    def _end_part(self) -> None:
        if self._part.file_name is None:
            self._fields.append((self._part.name, self._part.text.decode(errors="replace")))

    def _end_form(self) -> None:
        self.complete = True


def _take_nothing(_: memoryview) -> None:
    """A second file, or a file under another name, is passed over."""


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a multipart/form-data Content-Type, None for any other."""
    kind, options = parse_options_header(content_type)
    return options.get(b"boundary") if kind == b"multipart/form-data" else None
