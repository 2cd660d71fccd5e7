"""Which file systems the daemon knows at the folders' paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.daemon.intake.guarding import META, read_known
from ingestd.errors import JournalError
from ingestd.journal import JournalReader

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.watch.guard import Known


def known_disks(state_dir: Path) -> dict[str, Known]:
    """Read what the daemon remembers, by the folders' paths; empty where there is no journal."""
    try:
        with JournalReader.open(state_dir) as reader:
            return read_known(reader.meta(META))
    except (JournalError, OSError):
        return {}
