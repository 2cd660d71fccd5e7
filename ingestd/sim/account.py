"""The far side's account: what it holds, what it lets through, and what an upload becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from ingestd.sim.answers import Refused
from ingestd.sim.dialect import RATE_LIMIT_CODE, Dialect, dialect_of
from ingestd.sim.fault_kinds import LIMIT_TEXT, FaultKind
from ingestd.sim.fields import FieldReader, stored_stem
from ingestd.sim.ids import Ids
from ingestd.sim.library import Details, Fate, Library, Received, Video
from ingestd.sim.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.sim.faults import Active
    from ingestd.sim.form import FilePart, UploadForm
    from ingestd.sim.routes import Endpoint
    from ingestd.sim.settings import SimSettings

CAP_WINDOW_S: Final = 7200.0
"""The rolling window of the indexing queue's cap (contract 5.2)."""

NO_CREDITS: Final = ("0402", "You don't have enough points.")
BAD_KEY: Final = ("0401", "Authorization is invalid or incorrect.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShape:
    """How the row of an upload differs from an ordinary one.

    Attributes:
        hex_name: It is stored under a hash name.
        fate: How its indexing ends; None = as the settings say.
        late_s: Lists show it so many seconds late.
        rows: How many rows are made.
    """

    hex_name: bool = False
    fate: Fate | None = None
    late_s: float = 0.0
    rows: int = 1


ORDINARY: Final = RowShape()


def shape_of(active: Active) -> RowShape:
    """What the drawn faults make of the row."""
    late = active.get(FaultKind.LATE_ROW)
    more = active.get(FaultKind.DUPLICATE_ROWS)
    fate = Fate.STUCK if active.get(FaultKind.STUCK) else None
    return RowShape(
        hex_name=active.get(FaultKind.HEX_NAME) is not None,
        fate=Fate.FAIL if active.get(FaultKind.FAIL) else fate,
        late_s=late.seconds if late else 0.0,
        rows=more.rows if more else 1,
    )


class Account:
    """State and decisions; not thread-safe, the time is an argument."""

    def __init__(self, settings: SimSettings) -> None:
        self.settings = settings
        self.library = Library()
        self._ids = Ids(settings.seed)
        self._limits = Limits()

    @property
    def dialect(self) -> Dialect:
        """How answers are worded under the settings in force."""
        return dialect_of(self.settings)

    def change(self, changes: Mapping[str, object], now: float) -> None:
        """Change settings; videos still being indexed follow a new `parse_seconds`.

        Raises:
            ValueError: A change is not possible; nothing is changed then.
        """
        before = self.settings.parse_seconds
        self.settings = self.settings.changed(changes)
        if self.settings.parse_seconds != before:
            self.library.change_parse_seconds(self.settings.parse_seconds, now)

    def check_key(self, header: str | None) -> None:
        """Check the Authorization header: the bare key (contract 0.1).

        Raises:
            Refused: With 0401.
        """
        key = header or ""
        wanted = self.settings.api_key
        is_bearer = key.lower().startswith("bearer ")
        if not key.strip() or is_bearer or (wanted is not None and key != wanted):
            raise Refused(*BAD_KEY)

    def take_place(self, endpoint: Endpoint, now: float) -> None:
        """Pass the rate limiter of an endpoint.

        Raises:
            Refused: With 0429.
        """
        wait = self._limits.wait(endpoint, self.settings, now)
        if wait > 0:
            raise Refused(RATE_LIMIT_CODE, LIMIT_TEXT, wait=wait)

    def accept(self, form: UploadForm, shape: RowShape, now: float) -> Video:
        """Take an upload in, or refuse it.

        Raises:
            Refused: A constraint is broken, the queue is full, or the credits do not suffice.
        """
        reader = FieldReader(form, self.settings)
        part, details = reader.file(), reader.details()
        self._check_queue(now)
        received = _received(part, form)
        video = self._new_video(received, details, shape, now)
        self._pay(video.seconds / 60)
        self.library.add(video)
        for _ in range(shape.rows - 1):
            extra = replace(video, video_no=self._next_no(now), is_extra=True)
            self.library.add(extra)
        return video

    def add_video(
        self, received: Received, details: Details, *, now: float, finished: bool = True
    ) -> Video:
        """Put a video into the library as if it had been uploaded at `now`, free of charge."""
        video = self._new_video(received, details, ORDINARY, now)
        if finished:
            video = replace(video, finishes_at=now)
        self.library.add(video)
        return video

    def _check_queue(self, now: float) -> None:
        cap = self.settings.indexing_cap
        if cap is not None and self.library.unfinished_since(now - CAP_WINDOW_S, now) >= cap:
            raise Refused(self.settings.cap_code, self.settings.cap_msg)

    def _pay(self, minutes: float) -> None:
        left = self.settings.credits_minutes
        if left is None:
            return
        if minutes > left:
            raise Refused(*NO_CREDITS)
        self.settings = replace(self.settings, credits_minutes=left - minutes)

    def _new_video(
        self, received: Received, details: Details, shape: RowShape, now: float
    ) -> Video:
        fate = shape.fate or self._fate_of(received.file_name)
        is_stuck = fate is Fate.STUCK
        return Video(
            video_no=self._next_no(now),
            name=self._stored_name(received.file_name, shape),
            received=received,
            details=details,
            created_at=now,
            finishes_at=None if is_stuck else now + self.settings.parse_seconds,
            fate=fate,
            listed_from=now + shape.late_s,
        )

    def _next_no(self, now: float) -> str:
        return self._ids.video_no(int(now * 1000))

    def _stored_name(self, file_name: str, shape: RowShape) -> str:
        if shape.hex_name or self.settings.stored_names() == "hex":
            return self._ids.hex_name()
        return stored_stem(file_name, self.settings)

    def _fate_of(self, file_name: str) -> Fate:
        fails = any(fnmatchcase(file_name, glob) for glob in self.settings.fail_names)
        return Fate.FAIL if fails else Fate.PARSE


def _received(part: FilePart, form: UploadForm) -> Received:
    return Received(
        file_name=part.name,
        content_type=part.content_type,
        size=part.size,
        content_hash=part.content_hash,
        duration_s=part.duration_s,
        fields=form.fields,
    )
