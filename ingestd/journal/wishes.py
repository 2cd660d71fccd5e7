"""How a command asks something of the daemon, whether or not one runs (interface 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.journal.opening import open_existing
from ingestd.journal.rows import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def add_wish(state_dir: Path, verb: str, args: Mapping[str, object], at: float) -> int:
    """Leave a wish in an existing journal and return its id; it is on disk when this returns.

    Args:
        state_dir: where the journal is; none is made.
        verb: what is to be done.
        args: what JSON can say.
        at: wall-clock time, seconds.

    Raises:
        JournalError: there is no journal, it is of another release, or it cannot be written.
    """
    database = open_existing(state_dir)
    try:
        with database.transaction():
            written = database.write(
                "INSERT INTO wishes (at, verb, args) VALUES (?, ?, ?)", (at, verb, json_text(args))
            )
    finally:
        database.close()
    return int(written.lastrowid or 0)
