"""The facts that the mirror keeps, of money and of what a person skipped, and how a line says one.

A line is a checksum (crc32 of the rest, 8 hex digits), a blank, and a JSON list whose first element
is the kind; it ends with a newline. So a line that was torn by a power cut, at any byte, is told
from a whole one, and kinds that a later release adds are passed over. Nothing in it is secret.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, fields
from typing import Any, Final

#: The format's number, in the first line of every file.
FORMAT: Final = 1
_HEAD: Final = "ingestd mirror"


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt's last byte may go out soon: written before the mark commits (rules R8)."""

    key: str  # names the attempt in mirror and journal alike
    name: str  # upload name, with our token
    size: int  # bytes
    sample: str  # the sampled fingerprint, 32 hex digits
    content_hash: str  # blake3 of the bytes as sent
    scope: str
    watermark: float | None  # create_time of the scope's newest row before it, seconds
    at: float  # wall-clock seconds
    account: int  # which of the accounts that this journal has seen
    path: str
    mtime_ns: int
    folder: str | None
    container: str | None
    codec: str | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """The far side named a video for an attempt: from here on it is paid."""

    key: str
    video_no: str
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt ended, or was found to have ended, without a video."""

    key: str
    outcome: str  # refused, not_sent, not_found
    at: float


@dataclass(frozen=True, slots=True)
class Paid:
    """A video that the journal knew when this mirror began: without an attempt of its own here."""

    video_no: str
    name: str
    size: int | None
    sample: str | None
    scope: str
    content_hash: str | None
    at: float
    account: int
    path: str
    mtime_ns: int
    folder: str | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A person said that a content is not to be uploaded (rules R3), or took that back."""

    size: int
    sample: str
    scope: str | None
    content_hash: str | None
    at: float
    account: int
    path: str
    mtime_ns: int
    folder: str | None
    duration_s: float | None
    wanted: bool  # it was taken back: it may be uploaded


Fact = Intent | Result | Ended | Paid | Skipped
_KINDS: Final[dict[str, type[Fact]]] = {
    "try": Intent,
    "paid": Result,
    "end": Ended,
    "had": Paid,
    "skip": Skipped,
}
_WORDS: Final = {kind: word for word, kind in _KINDS.items()}


def line_of(fact: Fact) -> bytes:
    """Write a fact as a line."""
    values = [getattr(fact, one.name) for one in fields(fact)]
    return _line([_WORDS[type(fact)], *values])


def head_of(identity: str) -> bytes:
    """Write the first line of a mirror."""
    return _line([_HEAD, FORMAT, identity])


def _line(values: list[object]) -> bytes:
    # in ASCII, so that a path's odd bytes (surrogates) are escaped and read back as they were
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def values_in(line: bytes) -> list[Any] | None:
    """Read a line's values; None: it is torn or damaged."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        return None
    return values if isinstance(values, list) and values else None


def fact_in(values: list[Any]) -> Fact | None:
    """Read a fact; None: a head, or a kind that this release does not know."""
    kind = _KINDS.get(str(values[0]))
    if kind is None:
        return None
    names = [one.name for one in fields(kind)]
    if len(values) <= len(names):
        return None
    # what a later release appends to a kind is passed over
    return kind(*values[1 : len(names) + 1])


def identity_in(values: list[Any]) -> str | None:
    """Read which mirror this is from its first line; None: it is no first line of a mirror."""
    if len(values) < 3 or values[0] != _HEAD:  # noqa: PLR2004 - word, format, identity
        return None
    return str(values[2])
