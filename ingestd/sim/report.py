"""What the stand-in can tell about its life: counters, and each accepted video."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ingestd.sim.answers import SUCCESS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.sim.answers import Answer
    from ingestd.sim.library import Video
    from ingestd.sim.routes import Endpoint


class Counters:
    """Counts since the start."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.body_bytes = 0
        self.uploads_open = 0
        self.uploads_open_max = 0
        self.uploads_accepted = 0
        self.uploads_aborted = 0
        self.answers_undelivered = 0
        self.errors: list[str] = []

    def request(self, endpoint: Endpoint) -> None:
        """A request's head has arrived."""
        self.requests[endpoint.value] += 1

    def upload_opens(self) -> None:
        """An upload's body begins."""
        self.uploads_open += 1
        self.uploads_open_max = max(self.uploads_open_max, self.uploads_open)

    def upload_closes(self) -> None:
        """An upload's body has ended, in whatever way."""
        self.uploads_open -= 1

    def answer(self, answer: Answer) -> None:
        """An answer was decided on."""
        self.answers[answer.label] += 1

    def describe(self) -> dict[str, Any]:
        """All of them, by name."""
        refusals = {label: n for label, n in self.answers.items() if label != SUCCESS}
        return {
            "requests": dict(self.requests),
            "answers": dict(self.answers),
            "refusals": refusals,
            "uploads": {
                "accepted": self.uploads_accepted,
                "aborted": self.uploads_aborted,
                "open": self.uploads_open,
                "open_max": self.uploads_open_max,
            },
            "body_bytes": self.body_bytes,
            "answers_undelivered": self.answers_undelivered,
            "errors": list(self.errors),
        }


def describe_videos(videos: Iterable[Video], now: float, hash_name: str) -> list[dict[str, Any]]:
    """One object for each video, oldest first."""
    known = list(videos)
    copies = Counter(_content(v) for v in known if not v.is_extra)
    return [
        {
            "video_no": video.video_no,
            "video_name": video.name,
            "file_name": video.received.file_name,
            "content_type": video.received.content_type,
            "size": video.received.size,
            "hash": hash_name if video.received.content_hash else None,
            "content_hash": video.received.content_hash,
            "copies": copies[_content(video)] if video.received.content_hash else None,
            "fields": [list(pair) for pair in video.received.fields],
            "unique_id": video.details.unique_id,
            "folder_id": video.details.folder_id,
            "tags": list(video.details.tags),
            "minutes": video.seconds / 60,
            "status": video.status(now).value,
            "accepted_at": video.created_at,
            "create_time": video.create_time_ms,
            "finishes_at": video.finishes_at,
            "listed_from": video.listed_from,
            "deleted_at": video.deleted_at,
            "is_extra": video.is_extra,
        }
        for video in known
    ]


def accepted_more_than_once(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contents that were paid for more than once, each with the videos it became."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["content_hash"] is not None and not row["is_extra"]:
            groups.setdefault((row["size"], row["content_hash"]), []).append(row)
    return [
        {
            "content_hash": digest,
            "size": size,
            "video_nos": [row["video_no"] for row in same],
            "file_names": [row["file_name"] for row in same],
        }
        for (size, digest), same in groups.items()
        if len(same) > 1
    ]


def _content(video: Video) -> tuple[int, str | None]:
    return video.received.size, video.received.content_hash
