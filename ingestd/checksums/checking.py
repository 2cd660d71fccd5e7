"""Comparing a file with what its card's list says of it, in one read that also gives its blake3."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from ingestd.checksums.digests import HASHERS, agrees, written
from ingestd.checksums.mhl import ListError
from ingestd.checksums.verdict import Checked, Verdict
from ingestd.filestat import stat_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.checksums.lists import ListReader
    from ingestd.checksums.root import Root

_PIECE: Final = 1 << 20
_REMEDY: Final = (
    "Nothing was uploaded or billed. Copy it from the card again; it is checked again by itself."
)


def check(lists: ListReader, path: str, root: Root, open_file: Callable[[], int]) -> Checked:
    """Find what the card's list says of a file and read the file whole.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        named = lists.find(path, root)
    except ListError as error:
        return Checked(Verdict.UNLISTED, str(error))
    entry, shown = named.entry, os.path.basename(named.source)  # noqa: PTH119 - odd bytes
    fd = open_file()
    try:
        status = os.fstat(fd)
        if entry.size is not None and entry.size != status.st_size:
            short = status.st_size < entry.size
            detail = (
                f"Its checksum list {shown} says {entry.size} bytes, the file has {status.st_size}."
                f" {_REMEDY}"
            )
            return Checked(Verdict.SHORT if short else Verdict.DIFFERS, detail)
        hasher, content = HASHERS[entry.kind](), blake3()
        while piece := os.read(fd, _PIECE):
            hasher.update(piece)
            content.update(piece)
        digest = hasher.digest()
    finally:
        os.close(fd)
    if not agrees(entry.kind, entry.value, digest):
        detail = (
            f"Its content is not what the checksum list {shown} names: {entry.kind} {entry.value} "
            f"in the list, {written(entry.kind, digest)} in the file. {_REMEDY}"
        )
        return Checked(Verdict.DIFFERS, detail)
    return Checked(Verdict.AGREES, "", content.hexdigest(), stat_of(status))
