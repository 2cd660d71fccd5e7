"""The videos that the stand-in holds and how each of them lives; the time is always an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_UNIQUE_ID: Final = "default"
DEFAULT_FOLDER: Final = -1
UNKNOWN_DURATION_S: Final = 60.0
"""A video whose duration cannot be read counts, and is billed, as one minute."""


class Status(StrEnum):
    """Where indexing stands, spelled as in the documents of 2026 (contract 2.1)."""

    UNPARSE = "UNPARSE"
    PARSE = "PARSE"
    FAILED = "FAILED"


class Fate(StrEnum):
    """How indexing will end."""

    PARSE = "parse"
    FAIL = "fail"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came in for one video, as it came.

    Attributes:
        file_name: The multipart file name, verbatim.
        content_type: Content-Type of the file part.
        size: Bytes of content.
        content_hash: Hex digest of the content; None when hashing is off.
        duration_s: Seconds of video when the container says so in a place we read.
        fields: Every text field in the order of arrival.
    """

    file_name: str
    content_type: str = "video/mp4"
    size: int = 0
    content_hash: str | None = None
    duration_s: float | None = None
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The documented fields of an upload, read (contract 1.1)."""

    unique_id: str = DEFAULT_UNIQUE_ID
    folder_id: int = DEFAULT_FOLDER
    callback: str | None = None
    datetime_taken_ms: int | None = None
    camera_model: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    tags: tuple[str, ...] = ("api",)
    retain_original_video: bool = True
    video_transcription_prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One video of the library.

    Attributes:
        video_no: Its id.
        name: Its stored name.
        received: What was uploaded.
        details: The fields that came with it.
        created_at: Acceptance, seconds since the epoch.
        finishes_at: When indexing ends; None = never.
        fate: How it ends.
        listed_from: Lists do not show it before.
        deleted_at: When it was deleted.
        is_extra: The stand-in made this row beside another for the same upload.
    """

    video_no: str
    name: str
    received: Received
    details: Details
    created_at: float
    finishes_at: float | None
    fate: Fate = Fate.PARSE
    listed_from: float = 0.0
    deleted_at: float | None = None
    is_extra: bool = False

    @property
    def create_time_ms(self) -> int:
        """`create_time` on the wire."""
        return int(self.created_at * 1000)

    @property
    def seconds(self) -> float:
        """Seconds of video, for answers and for the bill."""
        duration = self.received.duration_s
        return UNKNOWN_DURATION_S if duration is None else duration

    def status(self, now: float) -> Status:
        """Where indexing stands at `now`."""
        if self.finishes_at is None or now < self.finishes_at:
            return Status.UNPARSE
        return Status.FAILED if self.fate is Fate.FAIL else Status.PARSE

    def finished(self, now: float) -> bool:
        """Whether indexing has ended, well or badly."""
        return self.status(now) is not Status.UNPARSE


class Library:
    """All videos of the account, in the order of their acceptance."""

    def __init__(self) -> None:
        self._videos: dict[str, Video] = {}
        self._unique_ids: dict[str, None] = {DEFAULT_UNIQUE_ID: None}

    def add(self, video: Video) -> None:
        """Take a video in; its namespace comes into being with it."""
        self._videos[video.video_no] = video
        self.touch_unique_id(video.details.unique_id)

    def touch_unique_id(self, unique_id: str) -> None:
        """Create a namespace as any mention of it does, even in a list call (contract 3.1)."""
        self._unique_ids.setdefault(unique_id)

    def unique_ids(self) -> list[str]:
        """All namespaces, oldest first."""
        return list(self._unique_ids)

    def get(self, video_no: str) -> Video | None:
        """The video, deleted or not."""
        return self._videos.get(video_no)

    def everything(self) -> Iterator[Video]:
        """Every video ever accepted, oldest first."""
        return iter(self._videos.values())

    def newest_first(self, now: float) -> list[Video]:
        """What lists may show at `now`, newest `create_time` first (contract 3.3)."""
        shown = [v for v in self._videos.values() if v.deleted_at is None and v.listed_from <= now]
        return sorted(shown, key=lambda v: (v.create_time_ms, v.video_no), reverse=True)

    def unfinished_since(self, since: float, now: float) -> int:
        """How many videos accepted after `since` are not indexed at `now` (contract 5.2)."""
        return sum(
            v.created_at > since and v.deleted_at is None and not v.finished(now)
            for v in self._videos.values()
        )

    def delete(self, video_no: str, now: float) -> None:
        """Mark a video as deleted.

        Raises:
            KeyError: There is no such video.
        """
        self._videos[video_no] = replace(self._videos[video_no], deleted_at=now)

    def finish(self, video_no: str, fate: Fate, now: float) -> None:
        """End the indexing of a video now, also of a stuck or an already finished one.

        Raises:
            KeyError: There is no such video.
        """
        ends = None if fate is Fate.STUCK else now
        self._videos[video_no] = replace(self._videos[video_no], fate=fate, finishes_at=ends)

    def change_parse_seconds(self, seconds: float, now: float) -> None:
        """Give every video that is still being indexed a new end; finished ones stay finished."""
        for video in list(self._videos.values()):
            if video.finishes_at is not None and not video.finished(now):
                ends = video.created_at + seconds
                self._videos[video.video_no] = replace(video, finishes_at=ends)
