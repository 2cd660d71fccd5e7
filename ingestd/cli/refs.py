"""What a person may write for a file: id, path, upload name or video number (interface 3)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ingestd.cli.session import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.journal import JournalReader
    from ingestd.model import Item


def find(reader: JournalReader, ref: str) -> tuple[Item, ...]:
    """Find the rows that `ref` means, likeliest first; of several readings the first that finds."""
    for reading in _readings(ref):
        found = reader.find(reading)
        if found:
            return found
    return ()


def is_path(ref: str) -> bool:
    """Tell whether `ref` can only be meant as a path."""
    return "/" in ref or os.path.lexists(ref)


def _readings(ref: str) -> Iterator[str]:
    yield ref
    path = absolute(ref)
    yield path
    yield os.path.realpath(path)
    if "\\" in ref:  # odd bytes as `list --json` writes them, copied without its quotes
        try:
            yield absolute(json.loads(f'"{ref}"'))
        except ValueError:
            return
