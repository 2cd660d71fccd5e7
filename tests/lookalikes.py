"""Clips that share size, head, middle and tail, as a camera's segments do (rules R4)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ingestd import clips
from ingestd.fingerprint import spans
from world import CLIP

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


def lookalike(mark: bytes) -> bytes:
    """A clip of 6 MiB whose mark stands where the sample does not look."""
    size, at = 6 << 20, 2 << 20
    assert not any(begin <= at < begin + length for begin, length in spans(size))
    clip = clips.unique(CLIP, b"")
    padding = bytearray(size - len(clip) - 8)
    padding[at - len(clip) : at - len(clip) + len(mark)] = mark
    return clip + struct.pack(">I4s", 8 + len(padding), b"free") + padding


def put_lookalikes(world: World, *marks: bytes) -> list[Path]:
    paths = []
    for number, mark in enumerate(marks):
        paths.append(world.drop / f"segment{number}.mp4")
        paths[-1].write_bytes(lookalike(mark))
    return paths
