"""One look at a file's bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ingestd.containers.bmff import examine_bmff
from ingestd.containers.matroska import examine_matroska
from ingestd.containers.riff import examine_avi
from ingestd.containers.sniff import HEAD, Family, Unwritten, sniff
from ingestd.containers.source import Reader, TooManyLooksError
from ingestd.model import Container, Findings

if TYPE_CHECKING:
    from ingestd.containers.source import Source

_LONGEST_S: Final = 366 * 24 * 3600.0
"""Durations above a year are damage, not length."""

_EXAMINERS: Final = {
    Family.BMFF: (examine_bmff, Container.MP4),
    Family.EBML: (examine_matroska, Container.MATROSKA),
    Family.AVI: (examine_avi, Container.AVI),
}


def examine(source: Source) -> Findings:
    """Tell what the bytes are: container, whether all of them are there, tracks, duration.

    The name plays no part. Work and memory are bounded for any bytes; no bytes make it raise.
    Data without a known container is `complete`, with `detail` saying what it is; an empty file or
    one that begins with zeros is not.

    Raises:
        OSError: The source could not be read.
    """
    reader = Reader(source)
    found = sniff(reader.at(0, HEAD))
    if isinstance(found, Unwritten):
        return Findings(None, complete=False, detail=found.value)
    if isinstance(found, str):
        return Findings(None, complete=True, detail=found)
    examiner, container = _EXAMINERS[found]
    try:
        return _plausible(examiner(reader))
    except TooManyLooksError:
        return Findings(
            container, complete=False, detail="it is made of too many pieces to be checked"
        )


def _plausible(findings: Findings) -> Findings:
    """Drop a duration that no recording has (NaN too)."""
    seconds = findings.duration_s
    if seconds is None or 0 < seconds < _LONGEST_S:
        return findings
    return replace(findings, duration_s=None)
