"""AVI: whether all of the file is there, and what it holds.

Microsoft's "AVI RIFF File Reference", and the "OpenDML AVI File Format Extensions" for files above
1 GB, where `RIFF AVIX` chunks follow the first `RIFF AVI `. A recorder writes the real sizes when
it ends, so a RIFF size of 0 or 0xFFFFFFFF says that it has not.

Some recorders write the file's size as the RIFF size, 8 bytes too many; where all chunks inside end
in time that is taken for what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.containers import codecs, faults
from ingestd.containers.chunks import (
    HEADER,
    Chunk,
    child,
    children,
    chunk_at,
    field,
    fourcc,
)
from ingestd.containers.zeros import zero_tail
from ingestd.model import Container, Findings, Track

if TYPE_CHECKING:
    from ingestd.containers.source import Reader

_OPEN_SIZES: Final = (0, 0xFFFFFFFF)
_SIZE_SLACK: Final = 8
_MAX_STREAMS: Final = 64
_KINDS: Final = {b"vids": "video", b"auds": "audio"}
_UNCOMPRESSED: Final = "DIB "
_WAVE_FORMATS: Final = {0x0001: "pcm", 0x0055: "mp3", 0x00FF: "aac", 0x2000: "ac3"}


@dataclass(frozen=True, slots=True)
class _Stream:
    """One `strl` list."""

    track: Track
    frames: int
    seconds_a_frame: float


@dataclass(slots=True)
class _Layout:
    """What the walk over the RIFF chunks and their children met."""

    headers: Chunk | None = None
    movi: Chunk | None = None
    fault: str = ""


def examine_avi(reader: Reader) -> Findings:
    """Examine a file that begins with `RIFF` and `AVI `."""
    layout = _walk(reader)
    streams = _streams(reader, layout.headers) if layout.headers else ()
    fault = layout.fault or _missing_part(layout)
    movi = layout.movi
    return Findings(
        Container.AVI,
        complete=not fault,
        detail=fault,
        tracks=tuple(stream.track for stream in streams),
        duration_s=_duration(reader, layout.headers, streams) if layout.headers else None,
        zero_tail=not fault and movi is not None and zero_tail(reader, movi.body, movi.end),
    )


def _walk(reader: Reader) -> _Layout:
    """Walk the chain of RIFF chunks; what is no RIFF after the first is data behind the file."""
    layout = _Layout()
    at = 0
    while at < reader.size and not layout.fault:
        riff = chunk_at(reader, at)
        if riff is None or riff.kind != b"RIFF":
            layout.fault = faults.zeros_at(reader, at)
            break
        layout.fault = _riff_fault(reader, layout, riff)
        at = riff.following
    return layout


def _riff_fault(reader: Reader, layout: _Layout, riff: Chunk) -> str:
    """Walk one RIFF and say what is wrong with it; "" when nothing is."""
    if riff.size in _OPEN_SIZES:
        _walk_inside(reader, layout, riff.body, reader.size)
        return "it is still being written, or its recorder did not end properly (RIFF size open)"
    fault = _walk_inside(reader, layout, riff.body, min(riff.end, reader.size))
    missing = riff.end - reader.size
    if missing > _SIZE_SLACK or (fault and missing > 0):
        return faults.cut(missing)
    return fault


def _walk_inside(reader: Reader, layout: _Layout, at: int, limit: int) -> str:
    """Walk the chunks of a RIFF, keep the header list and the last `movi`."""
    while at + HEADER <= limit:
        chunk = chunk_at(reader, at)
        if chunk is None:
            return faults.zeros_at(reader, at) or faults.broken(at)
        if chunk.form == b"hdrl":
            layout.headers = layout.headers or chunk
        elif chunk.form == b"movi":
            layout.movi = chunk
        if chunk.end > reader.size:
            return faults.cut(chunk.end - reader.size)
        at = chunk.following
    return ""


def _missing_part(layout: _Layout) -> str:
    if layout.headers is None:
        return "its header list is missing"
    return "" if layout.movi else "it has no pictures yet (no movi list)"


def _streams(reader: Reader, headers: Chunk) -> tuple[_Stream, ...]:
    lists = [chunk for chunk in children(reader, headers) if chunk.form == b"strl"]
    return tuple(_read_stream(reader, strl) for strl in lists[:_MAX_STREAMS])


def _read_stream(reader: Reader, strl: Chunk) -> _Stream:
    """Read AVISTREAMHEADER (type, handler ... scale at 20, rate at 24, length at 32) and format."""
    header, form = child(reader, strl, b"strh"), child(reader, strl, b"strf")
    if header is None:
        return _Stream(Track("other", "", ""), 0, 0.0)
    kind = _KINDS.get(reader.at(header.body, 4), "other")
    rate = field(reader, header, 24)
    return _Stream(
        track=_track(reader, kind, header, form),
        frames=field(reader, header, 32),
        seconds_a_frame=field(reader, header, 20) / rate if rate else 0.0,
    )


def _track(reader: Reader, kind: str, header: Chunk, form: Chunk | None) -> Track:
    """Name the codec by the format (biCompression at 16, wFormatTag at 0), else by the handler."""
    if kind == "audio":
        number = field(reader, form, 0) & 0xFFFF if form else 0
        return Track(kind, _WAVE_FORMATS.get(number, ""), f"0x{number:04x}")
    handler = fourcc(reader, header, 4)
    tag = (fourcc(reader, form, 16) if form else "") or handler or _UNCOMPRESSED
    codec = "raw" if tag == _UNCOMPRESSED else codecs.of_fourcc(tag) or codecs.of_fourcc(handler)
    return Track(kind, codec, codecs.printable(tag))


def _duration(reader: Reader, headers: Chunk, streams: tuple[_Stream, ...]) -> float | None:
    """Frames times the time of one: of the video stream, else of the main header.

    OpenDML keeps the number of frames of all RIFF chunks in `odml/dmlh`; the stream's own length
    may cover the first alone.
    """
    video = next((stream for stream in streams if stream.track.kind == "video"), None)
    odml = child(reader, headers, b"odml")
    total = child(reader, odml, b"dmlh") if odml else None
    frames = max(field(reader, total, 0) if total else 0, video.frames if video else 0)
    main = child(reader, headers, b"avih")
    seconds = video.seconds_a_frame if video else 0.0
    if main is not None:
        frames = frames or field(reader, main, 16)
        seconds = seconds or field(reader, main, 0) / 1_000_000
    return frames * seconds or None
