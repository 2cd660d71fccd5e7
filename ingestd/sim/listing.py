"""The body of list_videos: what it may hold, and which videos it selects (contract 3.1)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingestd.sim.answers import Refused
from ingestd.sim.library import DEFAULT_UNIQUE_ID, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.sim.library import Video
    from ingestd.sim.settings import SimSettings

DEFAULT_SIZE: Final = 200
SIZE_LIMIT: Final = 200
RADIUS_KM: Final = 20.0
EARTH_RADIUS_KM: Final = 6371.0
FAILED_WORDS: Final = frozenset({"FAILED", "FAIL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One list call, read and checked; None means that a filter is not set."""

    page: int
    size: int
    unique_id: str | None
    folder_id: int | None
    video_name: str | None
    video_no: str | None
    video_nos: frozenset[str] | None
    status: str | None
    tag: str | None
    camera_model: str | None
    datetime_taken: int | None
    place: tuple[float, float] | None

    def selects(self, video: Video, now: float) -> bool:
        """Whether the video passes every filter that is set."""
        return self._in_scope(video) and self._is_named(video, now) and self._is_about(video, now)

    def _in_scope(self, video: Video) -> bool:
        in_namespace = self.unique_id in {None, video.details.unique_id}
        return in_namespace and self.folder_id in {None, video.details.folder_id}

    def _is_named(self, video: Video, now: float) -> bool:
        return (
            self.video_name in {None, video.name}
            and self.video_no in {None, video.video_no}
            and (self.video_nos is None or video.video_no in self.video_nos)
            and (self.status is None or _same_status(self.status, video.status(now)))
        )

    def _is_about(self, video: Video, now: float) -> bool:
        """Metadata filters match nothing that is not parsed (contract 3.4)."""
        if (self.tag, self.camera_model, self.datetime_taken, self.place) == (None,) * 4:
            return True
        details = video.details
        return (
            video.status(now) is Status.PARSE
            and (self.tag is None or self.tag in details.tags)
            and self.camera_model in {None, details.camera_model}
            and _taken_since(details.datetime_taken_ms, self.datetime_taken)
            and _nearby((details.latitude, details.longitude), self.place)
        )


def parse_query(body: bytes, settings: SimSettings) -> ListQuery:
    """Read the JSON body; an empty one is an empty object.

    Raises:
        Refused: It is no object, or a value is not acceptable.
    """
    values = _Values(_json_object(body, settings), settings.invalid_code)
    return ListQuery(
        page=values.positive("page", 1),
        size=_page_size(values, settings),
        unique_id=_unique_id(values, settings),
        folder_id=None if settings.scopes == "unique_id" else values.integer("folder_id"),
        video_name=values.text("video_name"),
        video_no=values.text("video_no"),
        video_nos=values.texts("video_nos"),
        status=values.text("status"),
        tag=values.text("tag"),
        camera_model=values.text("camera_model"),
        datetime_taken=values.integer("datetime_taken"),
        place=_place(values),
    )


def _json_object(body: bytes, settings: SimSettings) -> Mapping[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError as mistake:
        raise Refused(settings.invalid_code, "JSON parse error") from mistake
    if not isinstance(value, dict):
        raise Refused(settings.invalid_code, "JSON parse error: an object is expected")
    return value


@dataclass(frozen=True, slots=True)
class _Values:
    """Typed access to the body; null is the same as absent, and numbers may come as texts."""

    values: Mapping[str, Any]
    code: str

    def refuse(self, name: str, what: str) -> Refused:
        return Refused(self.code, f"{name} {what}")

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self.refuse(name, "must be a string")

    def texts(self, name: str) -> frozenset[str] | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(name, "must be a list of strings")
        return frozenset(value)

    def number(self, name: str) -> float | None:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self.refuse(name, "must be a number")
        return number

    def integer(self, name: str) -> int | None:
        number = self.number(name)
        if number is not None and not number.is_integer():
            raise self.refuse(name, "must be an integer")
        return None if number is None else int(number)

    def positive(self, name: str, default: int) -> int:
        value = self.integer(name)
        if value is not None and value <= 0:
            raise self.refuse(name, "must be greater than 0")
        return default if value is None else value


def _page_size(values: _Values, settings: SimSettings) -> int:
    size = values.positive("size", DEFAULT_SIZE)
    if size <= SIZE_LIMIT or settings.page_size_over == "allow":
        return size
    if settings.page_size_over == "refuse":
        raise values.refuse("size", f"must not exceed {SIZE_LIMIT}")
    return SIZE_LIMIT


def _unique_id(values: _Values, settings: SimSettings) -> str | None:
    """The namespace that is listed; None = the whole account."""
    unique_id = values.text("unique_id")
    if settings.scopes == "folder_id":
        return None
    if unique_id is not None and not unique_id.strip():
        raise values.refuse("unique_id", "must not be empty")
    if (
        unique_id is None
        and settings.scopes == "both"
        and values.values.get("folder_id") is not None
    ):
        return None
    return DEFAULT_UNIQUE_ID if unique_id is None else unique_id


def _place(values: _Values) -> tuple[float, float] | None:
    latitude, longitude = values.number("latitude"), values.number("longitude")
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise values.refuse("latitude and longitude", "must be given together")
    return latitude, longitude


def _same_status(word: str, status: Status) -> bool:
    return word in FAILED_WORDS if status is Status.FAILED else word == status.value


def _taken_since(taken: int | None, since: int | None) -> bool:
    return since is None or (taken is not None and taken >= since)


def _nearby(here: tuple[float | None, float | None], place: tuple[float, float] | None) -> bool:
    if place is None:
        return True
    latitude, longitude = here
    if latitude is None or longitude is None:
        return False
    return _distance_km((latitude, longitude), place) <= RADIUS_KM


def _distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance (haversine)."""
    (lat_a, lon_a), (lat_b, lon_b) = (map(math.radians, p) for p in (a, b))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))
