"""What proves that a video at the far side is one of ours, and that it is not (rules R2). Pure.

Our token in the name and the exact size are proof. The token alone is proof where the row tells no
size: it is taken from size, head, middle and tail, so the size is in it. Where the far side stores
our names as hashes, a newcomer of the exact size is proof if it is the only one and no
other upload of ours could be it. Else a size is nothing, because cameras write files of equal size
all day. What is neither proven nor excluded is for a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.naming import stem_of, token_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ingestd.model import Video

#: A stored name that may stand for anything: 32 hex digits, with or without something around them
#: (contract 1.3: `1be6a6...`, `mavi_api_video_1be6a6...`).
_HASH = re.compile(r"(?<![0-9a-zA-Z])[0-9a-fA-F]{24,}(?![0-9a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Shown:
    """How the far side shows our uploads, as far as its answers have told; None: not seen yet."""

    names: bool | None = None  # True: our names; False: hashes
    sizes: bool | None = None  # whether rows of the list tell sizes


@dataclass(frozen=True, slots=True)
class Sought:
    """The upload that is looked for."""

    stem: str  # the upload name without its extension, as the far side stores it
    size: int  # bytes as sent
    token: str | None  # the 8 hex digits in the name; without one nothing is proof
    since: float | None = None  # the watermark: the newest row before it, seconds; None: unknown


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a look brought."""

    video: Video | None = None  # proven ours
    others: tuple[str, ...] = ()  # further videos with our name and size: paid twice
    candidates: tuple[str, ...] = ()  # could be ours, and are not proven to be
    absent: bool = False  # proven: none of the rows is ours


def weigh(
    sought: Sought,
    seen: Iterable[Video],
    linked: frozenset[str],
    shown: Shown,
    rivals: Collection[int] = (),
) -> Evidence:
    """Weigh the rows of the far side against what is sought.

    Args:
        sought: the attempt.
        seen: rows of the far side.
        linked: video numbers that belong to other rows of the journal.
        shown: what is known of how uploads are shown.
        rivals: sizes of our other uploads whose video is not known: each could be theirs.
    """
    free = [video for video in seen if video.video_no not in linked]
    if sought.token is None:
        maybe = [video for video in free if _could_be(video, sought, shown)]
        return Evidence(candidates=_numbers(maybe))
    named = sorted((video for video in free if shows(video.name, sought)), key=_age)
    exact = [video for video in named if video.size == sought.size]
    if exact:
        return Evidence(exact[0], others=_numbers(exact[1:]))
    unsized = [video for video in named if video.size is None and _stem_is(video, sought)]
    if len(unsized) == 1:
        return Evidence(unsized[0])
    maybe = [video for video in free if _could_be(video, sought, shown)]
    found = _by_size(sought, maybe, shown, rivals)
    if found is not None:
        return Evidence(found)
    return Evidence(candidates=_numbers(maybe), absent=not maybe)


def _by_size(
    sought: Sought, maybe: list[Video], shown: Shown, rivals: Collection[int]
) -> Video | None:
    """Where names are hashes: the only newcomer of the size, or where none is told, at all."""
    if shown.names is not False or len(maybe) != 1 or sought.since is None:
        return None
    (video,) = maybe
    if video.create_time is None or video.create_time <= sought.since:
        return None
    if video.name is not None and not _HASH.search(video.name):
        return None  # whoever's it is, it is shown under its name, as ours were not
    if video.size is None:
        alone = shown.sizes is False and not rivals
    else:
        alone = video.size == sought.size and sought.size not in rivals
    return video if alone else None


def _could_be(video: Video, sought: Sought, shown: Shown) -> bool:
    """Tell whether a row could be the upload, under whatever name."""
    if shows(video.name, sought):
        return True  # our token with another size: nobody knows what that is
    if video.size not in (None, sought.size):
        return False
    if None not in (sought.since, video.create_time) and _before(video, sought.since):
        return False
    if sought.token is not None and video.name is not None:
        if token_of(stem_of(video.name)) is not None:
            return False  # it carries the token of another content
        if shown.names and not _HASH.search(video.name):
            return False  # our names are shown, and this is a name
    return True


def _before(video: Video, since: float | None) -> bool:
    return (video.create_time or 0.0) < (since or 0.0)


def tells_apart(size: int, open_sizes: Collection[int], shown: Shown) -> bool:
    """Tell whether an upload may go out beside those that are open (rules R2).

    Where names are hashes, only sizes tell lost uploads apart: at most one of a size is open,
    and where sizes are missing too, one at all.

    Args:
        size: bytes of the one that would start.
        open_sizes: bytes of those under way or looked for.
        shown: what is known of how uploads are shown.
    """
    if shown.names is not False:
        return True
    if shown.sizes is False:
        return not open_sizes
    return size not in open_sizes


def shows(stored: str | None, sought: Sought) -> bool:
    """Tell whether a stored name is ours: it holds our token, or without one is the very name.

    Some answers keep the extension or encode the name (contract 3.4); the token survives both.
    """
    if stored is None:
        return False
    if sought.token is not None:
        return f"~{sought.token}" in stored
    return stored == sought.stem


def _stem_is(video: Video, sought: Sought) -> bool:
    return sought.stem in (video.name, stem_of(video.name or ""))


def _age(video: Video) -> tuple[float, str]:
    return video.create_time or 0.0, video.video_no


def _numbers(videos: Iterable[Video]) -> tuple[str, ...]:
    return tuple(video.video_no for video in videos)
