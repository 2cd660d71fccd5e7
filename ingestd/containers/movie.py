"""What the movie box (`moov`) says: tracks, duration, where the media should lie.

Sections are those of ISO/IEC 14496-12; QuickTime shares the boxes used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.containers import codecs
from ingestd.containers.boxes import Box, Inside, box_at, find, inside
from ingestd.model import Track

if TYPE_CHECKING:
    from ingestd.containers.source import Reader

_MAX_TRACKS: Final = 64
_FULL: Final = 4  # version and flags in front of a full box's fields
_STSD_ENTRIES: Final = 8  # version, flags and the count in front of the sample entries
_VISUAL_ENTRY: Final = 78  # fields of a VisualSampleEntry in front of its own boxes (12.1.3)
_KINDS: Final = {b"vide": "video", b"soun": "audio"}
_ENABLED: Final = 1
_ENCRYPTED: Final = "encv"


@dataclass(frozen=True, slots=True)
class MovieTrack:
    """One `trak`, as far as it is of use here."""

    track: Track
    number: int  # track_ID
    timescale: int  # units a second of its times; 0 when unknown
    last_chunk: int | None  # file offset of its last chunk of samples; None when it has none
    unwritten: bool  # zeros stand where a part of it should


@dataclass(frozen=True, slots=True)
class Movie:
    """What a `moov` says."""

    tracks: tuple[MovieTrack, ...]
    duration_s: float | None  # None: not said, as in most fragmented files
    unwritten: bool  # zeros stand where a part of it should


def read_movie(reader: Reader, moov: Box) -> Movie | None:
    """Read the movie box; None when it lacks its header, so was not written yet."""
    parts = inside(reader, moov)
    header = parts.first(b"mvhd")
    if header is None:
        return None
    timescale, duration = _times(reader, header)
    duration = _fragment_duration(reader, parts.first(b"mvex")) or duration
    tracks = tuple(_read_track(reader, trak) for trak in parts.all(b"trak")[:_MAX_TRACKS])
    return Movie(
        tracks=tracks,
        duration_s=duration / timescale if timescale and duration else None,
        unwritten=parts.unwritten or any(track.unwritten for track in tracks),
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


def _fragment_duration(reader: Reader, extends: Box | None) -> int:
    """Read the duration of the whole presentation from `mehd` (8.8.2); 0 when not there."""
    header = find(reader, extends, b"mehd")
    if header is None:
        return 0
    width = 8 if reader.number(header.body, 1) == 1 else 4
    return reader.number(header.body + _FULL, width)


def _read_track(reader: Reader, trak: Box) -> MovieTrack:
    track = inside(reader, trak)
    media = inside(reader, track.first(b"mdia"))
    info = inside(reader, media.first(b"minf"))
    table = inside(reader, info.first(b"stbl"))
    media_header, track_header = media.first(b"mdhd"), track.first(b"tkhd")
    last_chunk = _last_chunk(reader, table)
    return MovieTrack(
        track=_describe(reader, media.first(b"hdlr"), table, track_header),
        number=_track_number(reader, track_header) if track_header else 0,
        timescale=_times(reader, media_header)[0] if media_header else 0,
        last_chunk=last_chunk,
        unwritten=last_chunk == 0 or any(part.unwritten for part in (track, media, info, table)),
    )


def _describe(reader: Reader, handler: Box | None, table: Inside, header: Box | None) -> Track:
    """Name kind and codec; the handler's type stands behind 8 bytes (8.4.3)."""
    kind = _KINDS.get(reader.at(handler.body + 8, 4), "other") if handler else "other"
    tag, original = _sample_entry(reader, table, kind)
    codec = codecs.of_sample_entry(original, kind)
    if codec in codecs.STILL_PICTURES and _is_attached(reader, table, header):
        kind = "other"
    return Track(kind, codec, codecs.printable(tag))


def _sample_entry(reader: Reader, table: Inside, kind: str) -> tuple[str, str]:
    """Read (tag, original tag) of the first sample entry; they differ where it is encrypted."""
    stsd = table.first(b"stsd")
    entry = box_at(reader, stsd.body + _STSD_ENTRIES, stsd.end) if stsd else None
    if entry is None:
        return "", ""
    tag = original = entry.kind.decode("latin-1")
    if tag == _ENCRYPTED and kind == "video":
        scheme = inside(reader, entry, skip=_VISUAL_ENTRY).first(b"sinf")
        form = inside(reader, scheme).first(b"frma")
        original = reader.at(form.body, 4).decode("latin-1") if form else tag
    return tag, original


def _is_attached(reader: Reader, table: Inside, header: Box | None) -> bool:
    """Tell whether a picture track is a thumbnail or chapter pictures: one sample, or disabled."""
    sizes = table.first(b"stsz")
    enabled = header is not None and reader.number(header.body + 3, 1) & _ENABLED
    samples = reader.number(sizes.body + 8, 4) if sizes else 0
    return not enabled or samples == 1


def _track_number(reader: Reader, header: Box) -> int:
    """Read track_ID from `tkhd` (8.3.2): after two times of 32 or, in version 1, 64 bits."""
    width = 8 if reader.number(header.body, 1) == 1 else 4
    return reader.number(header.body + _FULL + 2 * width, 4)


def _last_chunk(reader: Reader, table: Inside) -> int | None:
    """Read the last entry of the chunk offset table, `stco` or `co64` (8.7.5)."""
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        offsets = table.first(kind)
        if offsets is None:
            continue
        first = offsets.body + 8
        count = min(reader.number(offsets.body + 4, 4), (offsets.end - first) // width)
        return reader.number(first + (count - 1) * width, width) if count > 0 else None
    return None
