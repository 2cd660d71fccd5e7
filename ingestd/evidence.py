"""What proves that a video at the far side is one of ours (rules R2). Pure.

Our token in its name and the exact size are proof. A name alone may only find; a size alone is
nothing, because cameras write files of equal size all day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.model import Video


@dataclass(frozen=True, slots=True)
class Sought:
    """The upload that is looked for."""

    stem: str  # the upload name without its extension, as the far side stores it
    size: int  # bytes as sent
    token: bool  # the name holds our token; without one nothing is proof


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a look brought."""

    video: Video | None  # proven ours: the oldest with our name and size
    others: tuple[str, ...] = ()  # further videos with our name and size: paid twice
    doubtful: tuple[str, ...] = ()  # our name, but another size or none, or a name without token


def weigh(sought: Sought, seen: Iterable[Video], linked: frozenset[str]) -> Evidence:
    """Weigh the rows of the far side against what is sought.

    Args:
        sought: name and size of the attempt.
        seen: rows of the far side.
        linked: video numbers that belong to other rows of the journal.
    """
    named = [
        video
        for video in seen
        if video.video_no not in linked and same_name(video.name, sought.stem)
    ]
    proven = sorted(
        (video for video in named if video.size == sought.size),
        key=lambda video: (video.create_time or 0.0, video.video_no),
    )
    doubtful = tuple(
        video.video_no for video in named if video.size != sought.size or not sought.token
    )
    if not proven or not sought.token:
        return Evidence(None, doubtful=doubtful)
    return Evidence(proven[0], tuple(video.video_no for video in proven[1:]), doubtful)


def same_name(stored: str | None, stem: str) -> bool:
    """Compare a stored name with ours; some answers keep the extension (contract 3.4)."""
    if stored is None:
        return False
    return stored == stem or (stored.startswith(stem + ".") and "/" not in stored)
