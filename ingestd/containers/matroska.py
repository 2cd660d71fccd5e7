"""Matroska and WebM: whether all of the file is there, and what it holds (RFC 9559).

A Segment of unknown size comes from live recording or from a recorder that crashed; both play, so
that alone is no fault. A Cluster of known size that ends past the end of the file is: something
was cut off, or is still being written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.containers import codecs, faults
from ingestd.containers.ebml import (
    Element,
    children,
    data,
    element_at,
    floating,
    text,
    unsigned,
)
from ingestd.containers.zeros import zero_tail
from ingestd.model import Container, Findings, Track

if TYPE_CHECKING:
    from ingestd.containers.source import Reader

_EBML, _DOC_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_LEVEL_1: Final = frozenset(
    {
        *(_INFO, _TRACKS, _CLUSTER),
        *(0x114D9B74, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367),  # seek head, cues, others
        *(_EBML, _SEGMENT),  # another document follows
    }
)
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_ENTRY, _TRACK_TYPE, _CODEC_ID, _CODEC_PRIVATE = 0xAE, 0x83, 0x86, 0x63A2
_KINDS: Final = {1: "video", 2: "audio"}
_DEFAULT_SCALE: Final = 1_000_000  # nanoseconds a unit
_NANOSECONDS: Final = 1_000_000_000
_MAX_TRACKS: Final = 64
_MAX_BLOCKS: Final = 200_000
_DOC_TYPES: Final = ("matroska", "webm")
_FOURCC_IN_PRIVATE: Final = {
    "V_MS/VFW/FOURCC": 16,  # biCompression of a BITMAPINFOHEADER
    "V_QUICKTIME": 4,  # the type of a QuickTime sample description
}


@dataclass(slots=True)
class _Layout:
    """What the walk over the Segment's children met."""

    info: Element | None = None
    tracks: Element | None = None
    chunk: tuple[int, int] | None = None  # where the data of the last Cluster lies
    blocks: int = 0  # walked in Clusters of unknown size
    fault: str = ""


def examine_matroska(reader: Reader) -> Findings:
    """Examine a file that begins with an EBML header."""
    header = element_at(reader, 0)
    if header is None or header.end is None:
        return Findings(None, complete=True, detail="a damaged EBML file")
    if header.end > reader.size:
        fault = faults.cut(header.end - reader.size)
        return Findings(Container.MATROSKA, complete=False, detail=fault)
    types = [child for child in children(reader, header) if child.kind == _DOC_TYPE]
    doc_type = text(reader, types[0]) if types else _DOC_TYPES[0]
    if doc_type not in _DOC_TYPES:
        return Findings(None, complete=True, detail="an EBML file that is no Matroska")
    segment = _segment(reader, header.end)
    if segment is None:
        fault = "it ends after its header: nothing was recorded or copied yet"
        return Findings(Container.MATROSKA, complete=False, detail=fault)
    return _examine_segment(reader, segment)


def _segment(reader: Reader, at: int) -> Element | None:
    """Find the Segment; Void may stand before it."""
    while at < reader.size:
        element = element_at(reader, at)
        if element is None or element.kind == _SEGMENT:
            return element
        if element.end is None:
            return None
        at = element.end
    return None


def _examine_segment(reader: Reader, segment: Element) -> Findings:
    layout = _walk(reader, segment)
    fault = _size_fault(reader, segment) or layout.fault or _missing_part(layout)
    chunk = layout.chunk
    return Findings(
        Container.MATROSKA,
        complete=not fault,
        detail=fault,
        tracks=_read_tracks(reader, layout.tracks) if layout.tracks else (),
        duration_s=_read_duration(reader, layout.info) if layout.info else None,
        zero_tail=not fault and chunk is not None and zero_tail(reader, *chunk),
    )


def _size_fault(reader: Reader, segment: Element) -> str:
    """Compare the Segment's end with the file's; other data may follow, zeros may not."""
    if segment.end is None:
        return ""
    if segment.end > reader.size:
        return faults.cut(segment.end - reader.size)
    return faults.zeros_at(reader, segment.end)


def _missing_part(layout: _Layout) -> str:
    if layout.tracks is None:
        return "its list of tracks is missing"
    return "" if layout.chunk else "it has no pictures yet (no Cluster)"


def _walk(reader: Reader, segment: Element) -> _Layout:
    """Walk the Segment's children to its end or the file's; headers are read, nothing else."""
    layout = _Layout()
    limit = reader.size if segment.end is None else min(segment.end, reader.size)
    at = segment.body
    while at < limit and not layout.fault:
        element = element_at(reader, at)
        if element is None or (element.end is None and element.kind not in _LEVEL_1):
            layout.fault = faults.zeros_at(reader, at) or faults.broken(at)
            break
        if element.kind in (_EBML, _SEGMENT):
            break
        at = _unknown_end(reader, layout, element, limit) if element.end is None else element.end
        _note(layout, element, at)
        if at > reader.size:
            layout.fault = faults.cut(at - reader.size)
    return layout


def _note(layout: _Layout, element: Element, end: int) -> None:
    if element.kind == _CLUSTER:
        layout.chunk = (element.body, end)
    elif element.kind == _INFO:
        layout.info = layout.info or element
    elif element.kind == _TRACKS:
        layout.tracks = layout.tracks or element


def _unknown_end(reader: Reader, layout: _Layout, element: Element, limit: int) -> int:
    """Find where a Cluster of unknown size ends: at the next element of its own level.

    Its blocks must be walked one by one; after `_MAX_BLOCKS` in all clusters the rest is taken as
    its own, for live recordings of hours are as good as short ones.
    """
    at = element.body
    while at < limit:
        child = element_at(reader, at)
        if child is None or child.end is None or child.kind in _LEVEL_1:
            return at
        at = child.end
        layout.blocks += 1
        if layout.blocks > _MAX_BLOCKS:
            return limit
    return at


def _read_duration(reader: Reader, info: Element) -> float | None:
    """Read Duration, a float in units of TimestampScale nanoseconds (5.1.2)."""
    scale, duration = _DEFAULT_SCALE, 0.0
    for element in children(reader, info):
        if element.kind == _TIMESTAMP_SCALE:
            scale = unsigned(reader, element) or _DEFAULT_SCALE
        elif element.kind == _DURATION:
            duration = floating(reader, element)
    return duration * scale / _NANOSECONDS if duration else None


def _read_tracks(reader: Reader, tracks: Element) -> tuple[Track, ...]:
    entries = [child for child in children(reader, tracks) if child.kind == _TRACK_ENTRY]
    return tuple(_read_track(reader, entry) for entry in entries[:_MAX_TRACKS])


def _read_track(reader: Reader, entry: Element) -> Track:
    parts = {child.kind: child for child in children(reader, entry)}
    kind = _KINDS.get(unsigned(reader, parts[_TRACK_TYPE]), "other") if _TRACK_TYPE in parts else ""
    codec_id = text(reader, parts[_CODEC_ID]) if _CODEC_ID in parts else ""
    offset = _FOURCC_IN_PRIVATE.get(codec_id)
    if offset is None or _CODEC_PRIVATE not in parts:
        return Track(kind or "other", codecs.of_matroska(codec_id), codecs.printable(codec_id))
    fourcc = data(reader, parts[_CODEC_PRIVATE], offset + 4)[offset:].decode("latin-1")
    codec = codecs.of_fourcc(fourcc) or codecs.of_sample_entry(fourcc, kind)
    return Track(kind or "other", codec, codecs.printable(fourcc))
