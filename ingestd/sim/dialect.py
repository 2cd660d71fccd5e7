"""The two generations of answers (contract 10): keys, their order, and numbers or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from ingestd.sim.answers import SUCCESS
from ingestd.sim.library import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestd.sim.library import Video
    from ingestd.sim.settings import SimSettings

Json = dict[str, Any]

INDEXING_FAILED: Final = "Indexing failed. "
"""The recorded cause, trailing space included (contract 3.3)."""

RATE_LIMIT_CODE: Final = "0429"
CLIENT_ID: Final = "00112233445566778899aabbccddeeff"
BUCKET: Final = "mavi-resource"
RESOLUTION: Final = "720P"
FRAME: Final = {"fps": 30, "width": 1280, "height": 720}
"""Said of every video: nothing is decoded here."""


class Dialect(Protocol):
    """How one generation of the far side words its answers."""

    def success(self, data: object) -> Json:
        """The envelope of a success."""

    def refusal(self, code: str, msg: str) -> Json:
        """The envelope of a refusal."""

    def accepted(self, video: Video) -> Json:
        """`data` after an upload (contract 1.3)."""

    def row(self, video: Video, now: float) -> Json:
        """One row of a list (contract 3.2, 3.3)."""

    def metadata(self, video: Video, now: float) -> Json:
        """`data` of get_metadata (contract 2)."""

    def page(self, rows: Sequence[Json], page: int, size: int, total: int) -> Json:
        """`data` of a list."""

    def deleted(self) -> Json | None:
        """`data` after a deletion (contract 6)."""

    def callback(self, video: Video, status: Status) -> Json:
        """What is posted to the callback address (contract 4)."""


def dialect_of(settings: SimSettings) -> Dialect:
    """The dialect of the profile in force."""
    return Docs2026(settings) if settings.profile == "docs2026" else Recorded2025(settings)


class Docs2026:
    """As the documents of 2026 have it: numbers are numbers, absent values are left out."""

    def __init__(self, settings: SimSettings) -> None:
        self._settings = settings

    def success(self, data: object) -> Json:
        """Code, text, data, success, failed."""
        return {"code": SUCCESS, "msg": "success", "data": data, "success": True, "failed": False}

    def refusal(self, code: str, msg: str) -> Json:
        """The same keys, with `data` null."""
        return {"code": code, "msg": msg, "data": None, "success": False, "failed": True}

    def accepted(self, video: Video) -> Json:
        """Four keys, the time as a text."""
        return {
            "videoNo": video.video_no,
            "videoName": video.name,
            "videoStatus": Status.UNPARSE.value,
            "uploadTime": str(video.create_time_ms),
        }

    def row(self, video: Video, now: float) -> Json:
        """Capture metadata only once the video is parsed."""
        return _listed(self._row(video, now), self._settings)

    def _row(self, video: Video, now: float) -> Json:
        status = video.status(now)
        row: Json = {
            "video_no": video.video_no,
            "video_name": video.name,
            "duration": _whole_seconds(video, now),
            "size": video.received.size,
            "status": status.value,
            "create_time": video.create_time_ms,
        }
        if status is Status.FAILED:
            row["cause"] = INDEXING_FAILED
        return row | _capture(video, now) | _storage(video)

    def metadata(self, video: Video, now: float) -> Json:
        """The row with size, resolution and frame, as far as they are known at `now`."""
        row = self._row(video, now)
        head = {k: row.pop(k) for k in ("video_no", "video_name", "duration", "size", "status")}
        times = {"create_time": row.pop("create_time")}
        measured: Json = {"resolution_label": RESOLUTION, **FRAME}
        if not video.finished(now):
            head, measured = _unparsed(head, measured, self._settings.unparsed_metadata)
        return head | times | measured | row

    def page(self, rows: Sequence[Json], page: int, size: int, total: int) -> Json:
        """Counts first, then the rows."""
        return {
            "current_page": page,
            "page_size": size,
            "total_count": total,
            "videos": list(rows),
        }

    def deleted(self) -> Json | None:
        """An empty object."""
        return {}

    def callback(self, video: Video, status: Status) -> Json:
        """Two keys."""
        word = self._settings.callback_fail_word or Status.FAILED.value
        return {
            "videoNo": video.video_no,
            "status": word if status is Status.FAILED else status.value,
        }


class Recorded2025:
    """As recorded in 2025: numbers as texts, `cause` always there, FAIL instead of FAILED."""

    def __init__(self, settings: SimSettings) -> None:
        self._settings = settings

    def success(self, data: object) -> Json:
        """Code, text, data, success, failed."""
        return {"code": SUCCESS, "msg": "success", "data": data, "success": True, "failed": False}

    def refusal(self, code: str, msg: str) -> Json:
        """`failed` before `success`; the rate limit's sample has neither, nor data."""
        short = {"code": code, "msg": msg}
        if code == RATE_LIMIT_CODE:
            return short
        return {**short, "data": None, "failed": True, "success": False}

    def accepted(self, video: Video) -> Json:
        """Two keys only."""
        return {"videoNo": video.video_no, "videoName": video.name}

    def row(self, video: Video, now: float) -> Json:
        """Every value a text, no capture metadata."""
        return _listed(self._row(video, now), self._settings)

    def _row(self, video: Video, now: float) -> Json:
        status = video.status(now)
        return {
            "duration": str(_whole_seconds(video, now)),
            "size": str(video.received.size),
            "status": _old_word(status),
            "cause": INDEXING_FAILED if status is Status.FAILED else "null",
            "video_no": video.video_no,
            "video_name": video.name,
            "create_time": str(video.create_time_ms),
        }

    def metadata(self, video: Video, now: float) -> Json:
        """The row, a place to see it, and its frame."""
        row = self._row(video, now)
        measured: Json = {"resolution_label": RESOLUTION, **FRAME}
        if not video.finished(now):
            row, measured = _unparsed(row, measured, self._settings.unparsed_metadata)
        return row | {"video_url": None} | measured

    def page(self, rows: Sequence[Json], page: int, size: int, total: int) -> Json:
        """The rows first; of the counts only the total is a text."""
        return {
            "videos": list(rows),
            "current_page": page,
            "page_size": size,
            "total_count": str(total),
        }

    def deleted(self) -> Json | None:
        """Null."""
        return None

    def callback(self, video: Video, status: Status) -> Json:
        """With a client id between."""
        word = self._settings.callback_fail_word or _old_word(Status.FAILED)
        return {
            "videoNo": video.video_no,
            "clientId": CLIENT_ID,
            "status": word if status is Status.FAILED else status.value,
        }


def _old_word(status: Status) -> str:
    return "FAIL" if status is Status.FAILED else status.value


def _listed(row: Json, settings: SimSettings) -> Json:
    """A row as lists show it: recordings of some days have no sizes (contract 3.3)."""
    return row if settings.sizes_in_lists else {k: v for k, v in row.items() if k != "size"}


def _whole_seconds(video: Video, now: float) -> int:
    return max(1, round(video.seconds)) if video.status(now) is Status.PARSE else 0


def _capture(video: Video, now: float) -> Json:
    """Fields that exist only after parsing, each only when it was given (contract 2)."""
    if video.status(now) is not Status.PARSE:
        return {}
    given: Json = {
        "datetime_taken": video.details.datetime_taken_ms,
        "camera_model": video.details.camera_model,
        "latitude": video.details.latitude,
        "longitude": video.details.longitude,
        "tags": list(video.details.tags) or None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _storage(video: Video) -> Json:
    return {"bucket": BUCKET, "blob": f"{video.video_no}.mp4"}


def _unparsed(head: Json, measured: Json, style: str) -> tuple[Json, Json]:
    """What is said of measures that indexing has not taken yet (contract 9.9)."""
    if style == "absent":
        return {k: v for k, v in head.items() if k not in {"duration", "size"}}, {}
    if style == "null":
        return head | {"duration": None, "size": None}, dict.fromkeys(measured)
    return head, {"resolution_label": "", **dict.fromkeys(FRAME, 0)}
