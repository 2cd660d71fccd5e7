"""Files of random bytes: constant ones would flatter whatever compresses, compares or skips."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from blake3 import blake3

from ingestd import clips

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_PIECE = 4 << 20
_CLIP = "pattern-h264.mp4"


def random_file(path: Path, size: int) -> Path:
    """Write a file of random bytes, the same for the same name."""
    with path.open("wb") as file:
        _fill(file, path.name, size)
    return path


def random_files(folder: Path, count: int, size: int) -> list[Path]:
    """Write many."""
    folder.mkdir()
    return [random_file(folder / f"clip{number:04}.mp4", size) for number in range(count)]


def random_clip(path: Path, size: int) -> Path:
    """Write a whole MP4 of `size` bytes: a tiny real clip and a `free` box of random bytes."""
    with path.open("wb") as file:
        head = clips.unique(_CLIP, b"")
        filler = size - len(head) - 8
        file.write(head + struct.pack(">I4s", 8 + filler, b"free"))
        _fill(file, path.name, filler)
    return path


def _fill(file: BinaryIO, seed: str, size: int) -> None:
    stream = blake3(seed.encode())  # its output can be as long as one likes: 3 GB/s of randomness
    file.writelines(
        stream.digest(min(_PIECE, size - start), seek=start) for start in range(0, size, _PIECE)
    )
