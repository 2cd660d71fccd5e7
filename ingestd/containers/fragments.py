"""How long a fragmented movie is, from the times of its first and last fragments.

Fragmented files mostly leave the movie's duration at 0 (ISO/IEC 14496-12, 8.8). Each `moof` says
when its samples begin (`tfdt`) and how long they last (`trun`, `tfhd`), so the first and the last
suffice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestd.containers.boxes import Box, find, inside

if TYPE_CHECKING:
    from ingestd.containers.movie import MovieTrack
    from ingestd.containers.source import Reader

_MAX_SAMPLES: Final = 4096

# flags of tfhd (8.8.7) and trun (8.8.8) that announce fields, in the order of the fields
_TFHD_BASE, _TFHD_DESCRIPTION, _TFHD_DURATION = 0x1, 0x2, 0x8
_TRUN_OFFSET, _TRUN_FIRST_FLAGS, _TRUN_DURATION = 0x1, 0x4, 0x100
_TRUN_PER_SAMPLE: Final = (0x100, 0x200, 0x400, 0x800)


def fragments_duration(
    reader: Reader, moov: Box, track: MovieTrack, first: Box, last: Box
) -> float | None:
    """Return the seconds from the first fragment's start to the last one's end for one track.

    None when the fragments do not tell.
    """
    opening, closing = (_traf(reader, moof, track.number) for moof in (first, last))
    if opening is None or closing is None or not track.timescale:
        return None
    begin, end = _start_time(reader, opening), _start_time(reader, closing)
    if begin is None or end is None:
        return None
    length = end + _run_time(reader, moov, closing, track.number) - begin
    return length / track.timescale if length > 0 else None


def _traf(reader: Reader, moof: Box, track: int) -> Box | None:
    """Find the track fragment of a track: its `tfhd` holds version, flags, track_ID."""
    for traf in inside(reader, moof).all(b"traf"):
        header = find(reader, traf, b"tfhd")
        if header is not None and reader.number(header.body + 4, 4) == track:
            return traf
    return None


def _start_time(reader: Reader, traf: Box) -> int | None:
    """Read baseMediaDecodeTime from `tfdt` (8.8.12)."""
    box = find(reader, traf, b"tfdt")
    if box is None:
        return None
    width = 8 if reader.number(box.body, 1) == 1 else 4
    return reader.number(box.body + 4, width)


def _run_time(reader: Reader, moov: Box, traf: Box, track: int) -> int:
    """Add up the durations of the samples of a track fragment."""
    default = _default_duration(reader, moov, traf, track)
    return sum(_one_run(reader, run, default) for run in inside(reader, traf).all(b"trun"))


def _default_duration(reader: Reader, moov: Box, traf: Box, track: int) -> int:
    """Read default_sample_duration from `tfhd`, else from the track's `trex` (8.8.3)."""
    header = find(reader, traf, b"tfhd")
    if header is not None:
        flags = reader.number(header.body + 1, 3)
        if flags & _TFHD_DURATION:
            skipped = 8 * bool(flags & _TFHD_BASE) + 4 * bool(flags & _TFHD_DESCRIPTION)
            return reader.number(header.body + 8 + skipped, 4)
    for box in inside(reader, find(reader, moov, b"mvex")).all(b"trex"):
        if reader.number(box.body + 4, 4) == track:
            return reader.number(box.body + 12, 4)
    return 0


def _one_run(reader: Reader, run: Box, default: int) -> int:
    flags = reader.number(run.body + 1, 3)
    count = reader.number(run.body + 4, 4)
    if not flags & _TRUN_DURATION:
        return count * default
    at = run.body + 8 + 4 * bool(flags & _TRUN_OFFSET) + 4 * bool(flags & _TRUN_FIRST_FLAGS)
    step = 4 * sum(bool(flags & field) for field in _TRUN_PER_SAMPLE)
    count = min(count, (run.end - at) // step, _MAX_SAMPLES)
    return sum(reader.number(at + index * step, 4) for index in range(count))
