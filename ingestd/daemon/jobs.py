"""The blocking pieces of work that run in the lanes; each returns a message, none touches a row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ingestd.daemon.messages import Hashed, LookEnded, Polled, Prepared
from ingestd.filestat import FdSource, stat_of
from ingestd.remote.contract import Failed

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
    far: FarSide, item_id: int, scope: Scope, stem: str | None, *, read_watermark: bool
) -> Prepared:
    """Ask the far side before an upload: the newest row's time, and our name if `stem` is given."""
    watermark: float | None = None
    if read_watermark:
        newest = far.list_videos(scope, page=1, size=1)
        if isinstance(newest, Failed):
            return Prepared(item_id, newest.trouble)
        watermark = _watermark(newest)
    seen: tuple[Video, ...] = ()
    if stem is not None:
        named = far.list_videos(scope, page=1, size=PAGE, video_name=stem)
        if isinstance(named, Failed):
            return Prepared(item_id, named.trouble)
        seen = named.videos
    return Prepared(item_id, None, watermark, read_watermark, seen)


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


def search(
    far: FarSide,
    item_id: int,
    send_id: int,
    scope: Scope,
    stem: str,
    watermark: float | None,
    found: Callable[[tuple[Video, ...]], bool],
) -> LookEnded:
    """Look for an upload whose answer was lost (rules R2).

    The name filter may only find. Not found is said after a complete page walk, newest first,
    back to the watermark.
    """
    named = far.list_videos(scope, size=PAGE, video_name=stem)
    if isinstance(named, Failed):
        return LookEnded(item_id, send_id, (), named.trouble)
    if found(named.videos):
        return LookEnded(item_id, send_id, named.videos, None)
    kept: list[Video] = list(named.videos)
    seen = 0  # rows as received, unreadable ones too: one garbage row must not end the walk
    for number in range(1, MOST_PAGES + 1):
        page = far.list_videos(scope, page=number, size=PAGE)
        if isinstance(page, Failed):
            return LookEnded(item_id, send_id, (), page.trouble)
        kept += [video for video in page.videos if video not in kept]
        seen += page.rows
        at_the_end = not page.rows or (page.total is not None and seen >= page.total)
        if at_the_end or _older(page.videos, watermark):
            break
    return LookEnded(item_id, send_id, tuple(kept), None)


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
        if not stat_of(os.fstat(fd)).same_content_as(stat):
            return Hashed(item_id, None, None)
        digest = full_hash(FdSource(fd), stop)
        if not stat_of(os.fstat(fd)).same_content_as(stat):
            return Hashed(item_id, None, None)
    except OSError:
        return Hashed(item_id, None, None)
    else:
        return Hashed(item_id, stat, digest)
    finally:
        os.close(fd)
