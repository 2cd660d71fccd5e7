"""The far side: its contract, and the client that keeps it.

Nothing here imports the HTTP stack before a client is made, so that commands that never talk to
the far side start quickly.
"""

from ingestd.remote.client import HttpxFarSide
from ingestd.remote.contract import (
    Aborted,
    Accepted,
    Failed,
    FarSide,
    LocalKind,
    NotSent,
    Outcome,
    Page,
    Refusal,
    Refused,
    Trouble,
    Unknown,
    Upload,
)
from ingestd.remote.pace import Pace
from ingestd.remote.progress import Progress

__all__ = [
    "Aborted",
    "Accepted",
    "Failed",
    "FarSide",
    "HttpxFarSide",
    "LocalKind",
    "NotSent",
    "Outcome",
    "Pace",
    "Page",
    "Progress",
    "Refusal",
    "Refused",
    "Trouble",
    "Unknown",
    "Upload",
]
