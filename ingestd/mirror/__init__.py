"""The mirror: an append-only file of what was paid or skipped, for the day the journal is lost.

It stands beside the journal or, better, on another disk (`mirror_dir`). Rules R8.
"""

from ingestd.mirror.facts import Ended, Fact, Intent, Paid, Result, Skipped
from ingestd.mirror.faults import MirrorAwayError, MirrorError, MirrorFullError
from ingestd.mirror.file import MIRROR_NAME, Mirror, identity
from ingestd.mirror.reading import Line, Reading, read
from ingestd.mirror.reserve import Reserve

__all__ = [
    "MIRROR_NAME",
    "Ended",
    "Fact",
    "Intent",
    "Line",
    "Mirror",
    "MirrorAwayError",
    "MirrorError",
    "MirrorFullError",
    "Paid",
    "Reading",
    "Reserve",
    "Result",
    "Skipped",
    "identity",
    "read",
]
