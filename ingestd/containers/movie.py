"""What the movie box (`moov`) says: tracks, duration, where the media should lie.

Sections are those of ISO/IEC 14496-12; QuickTime shares the boxes used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.containers import codecs
from ingestd.containers.boxes import Box, box_at, children, find
from ingestd.model import Track

if TYPE_CHECKING:
    from ingestd.containers.source import Reader

_MAX_TRACKS: Final = 64
_FULL: Final = 4  # version and flags in front of a full box's fields
_STSD_ENTRIES: Final = 8  # version, flags and the count in front of the sample entries
_VISUAL_ENTRY: Final = 78  # fields of a VisualSampleEntry in front of its own boxes (12.1.3)
_KINDS: Final = {b"vide": "video", b"soun": "audio"}
_ENABLED: Final = 1


@dataclass(frozen=True, slots=True)
class MovieTrack:
    """One `trak`, as far as it is of use here."""

    track: Track
    number: int  # track_ID
    timescale: int  # units a second of its times; 0 when unknown
    last_chunk: int  # file offset of its last chunk of samples; 0 when it has none


@dataclass(frozen=True, slots=True)
class Movie:
    """What a `moov` says."""

    tracks: tuple[MovieTrack, ...]
    duration_s: float | None  # None: not said, as in most fragmented files
    fragmented: bool  # it announces fragments (`mvex`)


def read_movie(reader: Reader, moov: Box) -> Movie | None:
    """Read the movie box; None when it lacks its header, so was not written yet."""
    header = find(reader, moov, b"mvhd")
    if header is None:
        return None
    timescale, duration = _times(reader, header)
    traks = [box for box in children(reader, moov.body, moov.end) if box.kind == b"trak"]
    extends = find(reader, moov, b"mvex")
    if extends is not None:
        duration = _fragment_duration(reader, extends) or duration
    return Movie(
        tracks=tuple(_read_track(reader, trak) for trak in traks[:_MAX_TRACKS]),
        duration_s=duration / timescale if timescale and duration else None,
        fragmented=extends is not None,
    )


def _times(reader: Reader, header: Box) -> tuple[int, int]:
    """Read timescale and duration of an `mvhd` or `mdhd` (8.2.2, 8.4.2); 0 when unknown.

    After version and flags: creation and modification time, timescale, duration; version 1 has
    64 bits for all but the timescale. All bits set means unknown.
    """
    width = 8 if reader.number(header.body, 1) == 1 else 4
    at = header.body + _FULL + 2 * width
    if at + 4 + width > header.end:
        return 0, 0
    duration = reader.number(at + 4, width)
    unknown = (1 << 8 * width) - 1
    return reader.number(at, 4), 0 if duration == unknown else duration


def _fragment_duration(reader: Reader, extends: Box) -> int:
    """Read the duration of the whole presentation from `mehd` (8.8.2); 0 when not there."""
    header = find(reader, extends, b"mehd")
    if header is None:
        return 0
    width = 8 if reader.number(header.body, 1) == 1 else 4
    return reader.number(header.body + _FULL, width)


def _read_track(reader: Reader, trak: Box) -> MovieTrack:
    media_header = find(reader, trak, b"mdia", b"mdhd")
    table = find(reader, trak, b"mdia", b"minf", b"stbl")
    kind = _kind(reader, trak)
    tag, original = _sample_entry(reader, table, kind)
    codec = codecs.of_sample_entry(original, kind)
    if codec in codecs.STILL_PICTURES and _is_attached(reader, trak, table):
        kind = "other"
    return MovieTrack(
        track=Track(kind, codec, codecs.printable(tag)),
        number=_track_number(reader, trak),
        timescale=_times(reader, media_header)[0] if media_header else 0,
        last_chunk=_last_chunk(reader, table),
    )


def _kind(reader: Reader, trak: Box) -> str:
    """Read the handler type (8.4.3): after version, flags and a 32-bit pre_defined."""
    handler = find(reader, trak, b"mdia", b"hdlr")
    return _KINDS.get(reader.at(handler.body + 8, 4), "other") if handler else "other"


def _sample_entry(reader: Reader, table: Box | None, kind: str) -> tuple[str, str]:
    """Read (tag, original tag) of the first sample entry; they differ where it is encrypted."""
    stsd = find(reader, table, b"stsd") if table else None
    entry = box_at(reader, stsd.body + _STSD_ENTRIES, stsd.end) if stsd else None
    if entry is None:
        return "", ""
    tag = original = entry.kind.decode("latin-1")
    if tag == "encv" and kind == "video":
        form = find(reader, entry, b"sinf", b"frma", skip=_VISUAL_ENTRY)
        original = reader.at(form.body, 4).decode("latin-1") if form else tag
    return tag, original


def _is_attached(reader: Reader, trak: Box, table: Box | None) -> bool:
    """Tell whether a picture track is a thumbnail or chapter pictures: one sample, or disabled."""
    header = find(reader, trak, b"tkhd")
    sizes = find(reader, table, b"stsz") if table else None
    enabled = header is not None and reader.number(header.body + 3, 1) & _ENABLED
    samples = reader.number(sizes.body + 8, 4) if sizes else 0
    return not enabled or samples == 1


def _track_number(reader: Reader, trak: Box) -> int:
    """Read track_ID from `tkhd` (8.3.2): after two times of 32 or, in version 1, 64 bits."""
    header = find(reader, trak, b"tkhd")
    if header is None:
        return 0
    width = 8 if reader.number(header.body, 1) == 1 else 4
    return reader.number(header.body + _FULL + 2 * width, 4)


def _last_chunk(reader: Reader, table: Box | None) -> int:
    """Read the last entry of the chunk offset table, `stco` or `co64` (8.7.5)."""
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        offsets = find(reader, table, kind) if table else None
        if offsets is None:
            continue
        first = offsets.body + 8
        count = min(reader.number(offsets.body + 4, 4), (offsets.end - first) // width)
        return reader.number(first + (count - 1) * width, width) if count > 0 else 0
    return 0
