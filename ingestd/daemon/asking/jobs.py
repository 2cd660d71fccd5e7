"""The blocking pieces of work that run in the lanes; each returns a message, none touches a row."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.daemon.messages import Hashed, LookEnded, Polled, Prepared
from ingestd.filestat import FdSource, stat_of
from ingestd.remote.contract import Failed, Refusal, Trouble

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ingestd.follow import Poll
    from ingestd.model import Scope, Stat, Video
    from ingestd.remote.contract import FarSide, Page

#: Rows of one list page, the documented most (contract 3.1).
PAGE = 200
#: The watermark of an empty library lies so far before the far side's own clock, seconds.
EMPTY_LIBRARY_S = 600.0
#: A page walk ends here at the latest: 200 000 videos.
MOST_PAGES = 1000


def prepare(
    far: FarSide, item_id: int, scope: Scope, stem: str | None, *, rows: int | None
) -> Prepared:
    """Ask the far side before an upload.

    Args:
        far: the far side.
        item_id: the row.
        scope: where it goes.
        stem: our name, to be looked for; None: it is not.
        rows: read the scope's newest row, and so many with it; None: it is known.
    """
    watermark: float | None = None
    page: tuple[Video, ...] | None = None
    if rows is not None:
        newest = far.list_videos(scope, page=1, size=rows)
        if isinstance(newest, Failed):
            return Prepared(item_id, newest.trouble)
        watermark = _watermark(newest)
        page = newest.videos if rows == PAGE else None
    seen: tuple[Video, ...] = ()
    if stem is not None:
        named = far.list_videos(scope, page=1, size=PAGE, video_name=stem)
        if isinstance(named, Failed):
            return Prepared(item_id, named.trouble)
        seen = named.videos
    return Prepared(item_id, None, watermark, rows is not None, seen, page)


def _watermark(page: Page) -> float | None:
    """The time before which no upload that starts now can appear (rules R2); None: unknown."""
    times = [video.create_time for video in page.videos if video.create_time is not None]
    if times:
        return max(times)
    return None if page.rows or page.date is None else page.date - EMPTY_LIBRARY_S


def poll(far: FarSide, poll: Poll, scope: Scope) -> Polled:
    """Ask how far the indexing is, in one call."""
    if poll.single:
        number = poll.items[0].video_no or ""
        answer = far.metadata(number, scope)
        if isinstance(answer, Failed):
            return Polled(poll, {}, answer.trouble)
        return Polled(poll, {number: answer} if answer is not None else {}, None)
    numbers = [item.video_no for item in poll.items if item.video_no]
    page = far.list_videos(scope, size=PAGE, video_nos=numbers)
    if isinstance(page, Failed):
        return Polled(poll, {}, page.trouble)
    return Polled(poll, {video.video_no: video for video in page.videos}, None)


@dataclass(frozen=True, slots=True)
class Search:
    """The attempt that is looked for, and how far a look must go."""

    item_id: int
    send_id: int
    scope: Scope
    stem: str
    watermark: float | None
    everywhere: bool  # walk the whole account too: the scope is not proven to be the right one
    found: Callable[[tuple[Video, ...]], bool]


def search(far: FarSide, wanted: Search) -> LookEnded:
    """Look for an upload whose answer was lost (rules R2).

    The name filter may only find. Not found is said after a complete page walk, newest first,
    back to the watermark; a wrong scope silently lists an empty folder, so an unproven one is
    walked without any scope as well.
    """

    def ended(videos: tuple[Video, ...], trouble: Trouble | None = None) -> LookEnded:
        numbers = {video.video_no for video in videos}
        return LookEnded(
            wanted.item_id, wanted.send_id, videos, trouble, frozenset(numbers - inside)
        )

    inside: set[str] = set()  # seen in the scope itself

    named = far.list_videos(wanted.scope, size=PAGE, video_name=wanted.stem)
    if isinstance(named, Failed):
        return ended((), named.trouble)
    inside.update(video.video_no for video in named.videos)
    if wanted.found(named.videos):
        return ended(named.videos)
    kept = {video.video_no: video for video in named.videos}
    for scope in (wanted.scope, None) if wanted.everywhere else (wanted.scope,):
        walked = _walk(far, scope, wanted.watermark)
        if isinstance(walked, Failed):
            return ended((), walked.trouble)
        kept.update((video.video_no, video) for video in walked)
        if scope is not None:
            inside.update(video.video_no for video in walked)
    return ended(tuple(kept.values()))


def _walk(far: FarSide, scope: Scope | None, watermark: float | None) -> list[Video] | Failed:
    """All rows of a list, newest first, back to the watermark."""
    videos: list[Video] = []
    rows = 0  # as received, unreadable ones too: one garbage row must not end the walk
    for number in range(1, MOST_PAGES + 1):
        page = far.list_videos(scope, page=number, size=PAGE)
        if isinstance(page, Failed):
            return page
        videos += page.videos
        rows += page.rows
        at_the_end = not page.rows or (page.total is not None and rows >= page.total)
        if at_the_end or _older(page.videos, watermark):
            return videos
    return Failed(Trouble(Refusal.GARBLED, "The list of videos has no end."))


def _older(videos: tuple[Video, ...], watermark: float | None) -> bool:
    """Tell whether a page reaches back before the watermark."""
    times = [video.create_time for video in videos if video.create_time is not None]
    return watermark is not None and bool(times) and min(times) < watermark


def hash_file(
    item_id: int, stat: Stat, open_file: Callable[[], int], stop: threading.Event
) -> Hashed:
    """Read a file in full; its hash counts only if it is the same file before and after."""
    from ingestd.fingerprint import full_hash  # noqa: PLC0415 - most runs never need it

    try:
        fd = open_file()
    except OSError:
        return Hashed(item_id, None, None)
    try:
        if not (seen := stat_of(os.fstat(fd))).same_content_as(stat):
            return Hashed(item_id, seen, None)
        digest = full_hash(FdSource(fd), stop)
        if not (seen := stat_of(os.fstat(fd))).same_content_as(stat):
            return Hashed(item_id, seen, None)
    except OSError:
        return Hashed(item_id, None, None)
    else:
        return Hashed(item_id, stat, digest)
    finally:
        os.close(fd)
