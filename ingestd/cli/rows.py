"""A journal row as one line of text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ingestd.cli import jsonout, words

if TYPE_CHECKING:
    from ingestd.model import Item

_FORMAT: Final = "{:>7}  {:<10}  {:<18}  {:>9}  {:<16}  {}"
#: The head line above `for_people`.
TITLE: Final = _FORMAT.format("ID", "STATE", "REASON", "SIZE", "CHANGED", "PATH")
_NOTHING: Final = "-"


def for_people(item: Item) -> str:
    """Write a row for a terminal."""
    return _FORMAT.format(
        item.id,
        item.state,
        item.reason or _NOTHING,
        words.size(item.stat.size) if item.stat else _NOTHING,
        words.moment(item.updated_at, time.time()),
        words.printable(item.path),
    )


def for_pipes(item: Item) -> str:
    """Write a row as columns for awk: id, state, reason, bytes, time, and the path last."""
    return _FORMAT.format(
        item.id,
        item.state,
        item.reason or _NOTHING,
        item.stat.size if item.stat else _NOTHING,
        jsonout.iso(item.updated_at) or _NOTHING,
        words.printable(item.path),
    )
