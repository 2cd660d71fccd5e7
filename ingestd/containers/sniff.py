"""What kind of data a file begins with, by its magic numbers.

Only ISO BMFF, EBML and RIFF AVI are looked into; everything else is recognised so that a message
can say what lies there under a video's name.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

HEAD: Final = 4096
"""Bytes from the start that are looked at."""

FIRST_BOXES: Final = frozenset(
    {
        *(b"ftyp", b"styp", b"sidx", b"moof", b"emsg"),  # ISO/IEC 14496-12, 23009-1
        *(b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"),  # QuickTime before ftyp
    }
)
"""Boxes that a file of the MP4 and QuickTime family may begin with."""


class Family(Enum):
    """The families of containers that are looked into."""

    BMFF = auto()
    EBML = auto()
    AVI = auto()


class Unwritten(Enum):
    """A file without content: not yet written, whatever it is going to be."""

    EMPTY = "it is empty"
    SHORT = "it is too short to tell what it is"
    ZEROS = "it begins with zeros: space was reserved, the content has not arrived"


_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"II*\0", "a TIFF or camera raw picture"),
    (0, b"MM\0*", "a TIFF or camera raw picture"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media (WMV/ASF) file"),
    (0, b"FLV\x01", "a Flash video (FLV)"),
    (0, b"\x06\x0e\x2b\x34", "an MXF file"),
    (0, b"\0\0\x01\xba", "an MPEG program stream (MPG, VOB)"),
    (0, b"\0\0\x01\xb3", "a bare MPEG-2 video stream"),
    (0, b"\0\0\0\x01\x40\x01", "a bare HEVC stream without a container"),
    (0, b"\0\0\0\x01\x67", "a bare H.264 stream without a container"),
    (0, b"\0\0\0\x01\x09", "a bare H.264 stream without a container"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"OggS", "an Ogg file"),
    (0, b"DHAV", "a Dahua recording (DAV)"),
    (0, b"IMKH", "a Hikvision recording"),
    (4, b"RED1", "a RED camera raw clip (R3D)"),
    (4, b"RED2", "a RED camera raw clip (R3D)"),
    (8, b"WAVE", "a WAV sound file"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"ID3", "an MP3 sound file"),
    (0, b"fLaC", "a FLAC sound file"),
    (0, b"\0\x05\x16\x07", "an AppleDouble file (macOS metadata, no video)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a Windows program"),
)
_MARKUP: Final = (
    (b"<!doctype html", "an HTML page, perhaps of a failed download"),
    (b"<html", "an HTML page, perhaps of a failed download"),
    (b"<?xml", "an XML document"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"{", "a JSON or other text"),
)
_MPEG_TS: Final = ((188, 0), (192, 4), (204, 0))
_MATROSKA_MAGIC: Final = b"\x1a\x45\xdf\xa3"
_AVI_FORMS: Final = (b"AVI ", b"AVI\x19")  # the second: some capture cards
_MIN_HEAD: Final = 12


def sniff(head: bytes) -> Family | Unwritten | str:
    """Tell what a file begins with: a family, nothing yet, or words for what it is instead."""
    if unwritten := _unwritten(head):
        return unwritten
    if head.startswith(_MATROSKA_MAGIC):
        return Family.EBML
    if head.startswith(b"RIFF") and head[8:12] in _AVI_FORMS:
        return Family.AVI
    if head[4:8] in FIRST_BOXES:
        return Family.BMFF
    return _foreign(head)


def _unwritten(head: bytes) -> Unwritten | None:
    if not head:
        return Unwritten.EMPTY
    if not any(head):
        return Unwritten.ZEROS
    if len(head) < _MIN_HEAD:
        return Unwritten.SHORT
    rest = head[_MIN_HEAD:]
    return Unwritten.ZEROS if rest and not any(rest) else None


def _foreign(head: bytes) -> str:
    for offset, magic, words in _MAGIC:
        if head.startswith(magic, offset):
            return words
    if _is_transport_stream(head):
        return "an MPEG transport stream (TS, MTS, M2TS)"
    return _text(head) or "data of no known video format"


def _is_transport_stream(head: bytes) -> bool:
    """Look for the sync byte 0x47 of three packets in a row (ISO/IEC 13818-1)."""
    return any(
        len(head) > first + 2 * packet
        and all(head[first + index * packet] == ord("G") for index in range(3))
        for packet, first in _MPEG_TS
    )


def _text(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if any(byte < ord(" ") and byte not in b"\t\n\f\r\x1b" for byte in text):
        return ""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if error.start < len(text) - 3:  # a character may be cut at the end of the head
            return ""
    start = text.lstrip().lower()
    return next((words for magic, words in _MARKUP if start.startswith(magic)), "a text file")
