"""Tiny real clips, so that `demo` and tests need no camera.

A moving test pattern in each combination of container and codec that is taken, and one in ProRes,
which is not. `tests/make_clips.py` made them. A clip is made unique without encoding: an element
that every player skips is put behind the content, and the sizes around it are raised.
"""

from __future__ import annotations

import struct
from importlib.resources import files
from typing import Final

_GOOD: Final = ("pattern-h264.mp4", "pattern-hevc.mov", "pattern-vp9.mkv", "pattern-h264.avi")
_BAD: Final = "pattern-prores.mov"
_SEGMENT: Final = b"\x18\x53\x80\x67\x01"  # the ID, and the mark of a size in 7 more bytes
_VOID: Final = b"\xec\x01"  # the ID, and the same mark


def names() -> tuple[str, ...]:
    """Return the file names of the good clips."""
    return _GOOD


def unique(clip: str, salt: bytes) -> bytes:
    """Return a clip's bytes made unlike any other's by `salt`, still a valid video.

    Args:
        clip: One of `names()`.
        salt: Up to 64 KiB; the same salt gives the same bytes.

    Raises:
        ValueError: There is no such clip.
    """
    if clip not in _GOOD:
        raise ValueError(f"no clip is named {clip!r}; there are {', '.join(_GOOD)}")
    return _salted(clip, salt)


def bad(salt: bytes = b"") -> tuple[str, bytes]:
    """Return (file name, bytes) of a whole clip that is rejected as `codec`: it holds ProRes."""
    return _BAD, _salted(_BAD, salt)


def _salted(clip: str, salt: bytes) -> bytes:
    content = files(__package__).joinpath(clip).read_bytes()
    if clip.endswith(".mkv"):
        return _with_void(content, salt)
    if clip.endswith(".avi"):
        return _with_junk(content, salt)
    return content + struct.pack(">I4s", 8 + len(salt), b"free") + salt


def _with_void(content: bytes, salt: bytes) -> bytes:
    """Append a Void element to the Segment, which ends with the file (RFC 9559, RFC 8794)."""
    void = _VOID + len(salt).to_bytes(7, "big") + salt
    at = content.index(_SEGMENT) + len(_SEGMENT)
    size = int.from_bytes(content[at : at + 7], "big") + len(void)
    return content[:at] + size.to_bytes(7, "big") + content[at + 7 :] + void


def _with_junk(content: bytes, salt: bytes) -> bytes:
    """Append a JUNK chunk, padded to an even length, to the only RIFF chunk."""
    junk = struct.pack("<4sI", b"JUNK", len(salt)) + salt + bytes(len(salt) % 2)
    (size,) = struct.unpack_from("<I", content, 4)
    return content[:4] + struct.pack("<I", size + len(junk)) + content[8:] + junk
