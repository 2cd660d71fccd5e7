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
    token: str | None  # the 8 hex digits in the name; without one nothing is proof


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
    named = [video for video in seen if video.video_no not in linked and shows(video.name, sought)]
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


def possible(
    sought: Sought, seen: Iterable[Video], linked: frozenset[str], since: float | None
) -> bool:
    """Tell whether any row could be the upload under another name (a hash, contract 3.4).

    Args:
        sought: name and size of the attempt.
        seen: all rows of the far side back to `since`.
        linked: video numbers that belong to other rows of the journal.
        since: the watermark: create_time of the newest row before the attempt, seconds; None:
            not known, any row could be it.
    """
    return any(
        video.video_no not in linked
        and video.size in (None, sought.size)
        and (since is None or video.create_time is None or video.create_time >= since)
        for video in seen
    )


def shows(stored: str | None, sought: Sought) -> bool:
    """Tell whether a stored name is ours: it holds our token, or without one is the very name.

    Some answers keep the extension or encode the name (contract 3.4); the token survives both.
    """
    if stored is None:
        return False
    if sought.token is not None:
        return f"~{sought.token}" in stored
    return stored == sought.stem
