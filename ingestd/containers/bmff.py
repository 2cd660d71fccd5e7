"""MP4 and QuickTime: whether all of the file is there, and what it holds.

ISO/IEC 14496-12 (ISO base media file format) and Apple's QuickTime File Format. The top-level boxes
are walked from end to end; media data is never read.

What may follow the last box. Recorders append data that is no box (Insta360, some phones and
dashcams), so that is no fault of a file that has its index and its media. Zeros are another matter:
recorders that reserve space wrap it in `free` or `skip`, so bare zeros are space whose content has
not arrived; 4 zero bytes are QuickTime's terminator of a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.containers import faults
from ingestd.containers.boxes import Box, box_at
from ingestd.containers.fragments import fragments_duration
from ingestd.containers.movie import Movie, read_movie
from ingestd.containers.zeros import zero_tail
from ingestd.model import Container, Findings, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.containers.source import Reader

_HEADER: Final = 8
_TERMINATOR: Final = bytes(4)  # may end a list of atoms
_LARGE_HEADER: Final = 16
_LARGE: Final = b"\0\0\0\1"  # the size follows the type, in 64 bits
_PICTURES: Final = frozenset(
    {*(b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"), b"crx ", b"jp2 "}
)


@dataclass(slots=True)
class _Layout:
    """What the walk over the top-level boxes met."""

    brand: bytes | None = None  # major brand; None: no ftyp, styp
    meta: bool = False
    moov: Box | None = None
    first_moof: Box | None = None
    last_moof: Box | None = None
    last_mdat: Box | None = None  # the last that holds anything
    fault: str = ""  # why the chain of boxes does not end where the file ends


def examine_bmff(reader: Reader) -> Findings:
    """Examine a file that begins like one of the MP4 and QuickTime family."""
    layout = _walk(reader)
    if layout.brand in _PICTURES and layout.moov is None and layout.meta:
        return Findings(None, complete=True, detail="a picture (HEIC, AVIF or camera raw)")
    container = _container(layout)
    if layout.moov is None:
        fault = layout.fault or _without_index(layout)
        return Findings(container, complete=False, detail=fault)
    movie = read_movie(reader, layout.moov)
    if layout.fault or movie is None:
        fault = layout.fault or "its index (moov) has no content yet"
        return Findings(container, complete=False, detail=fault, tracks=_tracks(movie))
    fault = _media_fault(reader, layout, movie)
    mdat = layout.last_mdat
    return Findings(
        container,
        complete=not fault,
        detail=fault,
        tracks=_tracks(movie),
        duration_s=_duration(reader, layout, movie),
        zero_tail=mdat is not None and zero_tail(reader, mdat.body, mdat.end),
    )


def _container(layout: _Layout) -> Container:
    """QuickTime by its brand, or by beginning with a box that no MP4 begins with."""
    if layout.brand is None:
        return Container.MP4 if layout.first_moof else Container.QUICKTIME
    return Container.QUICKTIME if layout.brand == b"qt  " else Container.MP4


def _tracks(movie: Movie | None) -> tuple[Track, ...]:
    return tuple(track.track for track in movie.tracks) if movie else ()


def _walk(reader: Reader) -> _Layout:
    layout = _Layout()
    end = 0
    for box in _top_level(reader):
        end = box.end
        _note(reader, layout, box)
    if end > reader.size:
        layout.fault = faults.cut(end - reader.size)
    elif end < reader.size:
        layout.fault = _remainder(reader, end)
    return layout


def _top_level(reader: Reader) -> Iterator[Box]:
    at = 0
    while at < reader.size and (box := box_at(reader, at, reader.size)):
        yield box
        at = box.end


def _note(reader: Reader, layout: _Layout, box: Box) -> None:
    if box.kind in (b"ftyp", b"styp") and layout.brand is None:
        layout.brand = reader.at(box.body, 4)
    elif box.kind == b"meta":
        layout.meta = True
    elif box.kind == b"moov" and layout.moov is None:
        layout.moov = box
    elif box.kind == b"moof":
        layout.first_moof = layout.first_moof or box
        layout.last_moof = box
    elif box.kind == b"mdat" and box.end > box.body:
        layout.last_mdat = box


def _remainder(reader: Reader, end: int) -> str:
    """Judge what follows the last box; "" when it is harmless."""
    rest = reader.at(end, _LARGE_HEADER)
    header = _LARGE_HEADER if rest.startswith(_LARGE) else _HEADER
    if len(rest) < header and rest != _TERMINATOR:
        return "it is cut inside the header of its last part"
    return faults.zeros_at(reader, end)


def _without_index(layout: _Layout) -> str:
    if layout.first_moof is not None:
        return "it is a piece of a stream without its index (moov)"
    return "its index (moov) is missing: the recording or the copy did not end properly"


def _media_fault(reader: Reader, layout: _Layout, movie: Movie) -> str:
    """Tell what is wrong between index and media; "" when nothing is."""
    if movie.unwritten:
        return "its index (moov) is not written to its end"
    if layout.last_mdat is None:
        return "it has an index and no media (mdat)"
    last = max((track.last_chunk or 0 for track in movie.tracks), default=0)
    if last >= reader.size:
        return f"it is cut: its index names media {last - reader.size + 1:,} bytes past the end"
    return ""


def _duration(reader: Reader, layout: _Layout, movie: Movie) -> float | None:
    if movie.duration_s is not None or layout.moov is None:
        return movie.duration_s
    track = next((track for track in movie.tracks if track.track.kind == "video"), None)
    if track is None or layout.first_moof is None or layout.last_moof is None:
        return None
    return fragments_duration(reader, layout.moov, track, layout.first_moof, layout.last_moof)
