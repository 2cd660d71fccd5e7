"""Rows of the library as the far side tells them, in both generations (contract 2, 3.2, 3.3).

Numbers come as numbers or as texts, absent causes as the word `"null"`, sizes not at all. A zero
where a zero makes no sense (the size or duration of a video) stands for "not known yet".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestd.model import Video
from ingestd.remote.contract import Failed, Page, Refusal, Trouble
from ingestd.remote.envelope import as_id, as_name, as_number, as_seconds, as_text

if TYPE_CHECKING:
    from ingestd.remote.envelope import Answer


def video_in(answer: Answer, video_no: str) -> Video | Failed | None:
    """Read the answer to a question for one video; None: the far side does not know it (yet).

    An answer about another video is no answer: what is deleted after indexing hangs on it.
    """
    data = answer.envelope.data if answer.envelope else None
    if not data and (data is None or isinstance(data, dict)):
        return None  # contract 2: an unknown number is success without data
    video = _video(data, video_no) if isinstance(data, dict) else None
    if video is None or video.video_no != video_no:
        return _garbled(answer, "it does not speak of the video that was asked for")
    return video


def page_in(answer: Answer, asked: int) -> Page | Failed:
    """Read one page of the list; rows that cannot be read are left out but counted.

    An answer without a list is no empty list: "not there" is what an upload is sent again for.
    """
    data = answer.envelope.data if answer.envelope else None
    rows = data.get("videos") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list):
        return _garbled(answer, "it holds no list of videos")
    videos = (_video(row) for row in rows if isinstance(row, dict))
    return Page(
        videos=tuple(video for video in videos if video is not None),
        page=_whole(data.get("current_page")) or asked,
        total=_whole(data.get("total_count")),
        rows=len(rows),
        date=answer.date,
    )


def unique_ids_in(answer: Answer) -> tuple[str, ...] | Failed:
    """Read the names of the account's folders."""
    data = answer.envelope.data if answer.envelope else None
    names = data.get("unique_ids") if isinstance(data, dict) else data
    if not isinstance(names, list):
        return _garbled(answer, "it holds no list of names")
    return tuple(one for one in names if isinstance(one, str))


def _video(row: dict[str, Any], asked: str | None = None) -> Video | None:
    video_no = as_id(row.get("video_no", asked))
    if video_no is None:
        return None
    return Video(
        video_no,
        status=(as_text(row.get("status")) or "").upper(),
        name=as_name(row.get("video_name")),
        size=_whole(row.get("size")) or None,
        create_time=as_seconds(row.get("create_time")),
        duration_s=as_number(row.get("duration")) or None,
        cause=as_text(row.get("cause")),
    )


def _whole(value: Any) -> int | None:
    number = as_number(value)
    return int(number) if number is not None and number.is_integer() else None


def _garbled(answer: Answer, why: str) -> Failed:
    return Failed(
        Trouble(
            Refusal.GARBLED,
            f"memories.ai answered, but {why}; nothing is concluded from it.",
            code=answer.envelope.code if answer.envelope else "",
            http=answer.http,
        )
    )
