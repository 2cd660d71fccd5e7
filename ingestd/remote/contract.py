"""What the daemon asks of the far side, and the three outcomes of an upload (rules R1).

`FarSide` is the interface that the httpx client and the fake of the tests both keep; one contract
suite runs against both. No method raises for anything the far side or the network does: every
trouble is a value.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from ingestd.remote.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestd.model import Container, Scope, Stat, Video


class Refusal(StrEnum):
    """Why the far side, or the way to it, said no: by what the caller does next."""

    RATE = "rate"  # 0429, HTTP 429: the account is too fast, or its indexing queue is full
    CREDITS = "credits"  # 0402, HTTP 402
    AUTH = "auth"  # 0401, 9009, HTTP 401: the key is wrong or may not do this
    DISABLED = "disabled"  # 0403, HTTP 403
    FILE = "file"  # HTTP 413, 415, or a parameter refused before the mark: this file's own trouble
    UNREACHABLE = "unreachable"  # no connection, no answer, HTTP 5xx: nobody to talk to
    GARBLED = "garbled"  # an answer that cannot be understood


@dataclass(frozen=True, slots=True)
class Trouble:
    """A no, in words for the log and for a person; never holds the key."""

    kind: Refusal
    text: str
    code: str = ""  # envelope code without leading zeros, or ""
    http: int | None = None
    retry_after: float | None = None  # seconds, where the far side said so


@dataclass(frozen=True, slots=True)
class Accepted:
    """The far side took it and named it; from here on it is paid."""

    video_no: str
    video_name: str | None
    content_hash: str | None  # blake3 of the bytes as sent; None when the answer came early
    create_time: float | None = None  # seconds; from uploadTime


@dataclass(frozen=True, slots=True)
class Refused:
    """Provably not accepted: the far side said so."""

    trouble: Trouble


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably not accepted: the last byte never went out."""

    trouble: Trouble


class LocalKind(StrEnum):
    """What happened to the file before its last byte went out."""

    CHANGED = "changed"  # no longer the file that was judged
    VANISHED = "vanished"
    UNREADABLE = "unreadable"  # EACCES, EIO, ESTALE ...: later again
    STOPPED = "stopped"  # told to stop
    NO_MARK = "no_mark"  # the mark was not granted in time


@dataclass(frozen=True, slots=True)
class Aborted:
    """Provably not accepted: we ended it before the last byte, for a reason on our side."""

    kind: LocalKind
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The last byte may have gone out and no word of acceptance or refusal came back."""

    text: str
    readable: bool  # a readable envelope or a 400: three looks suffice (rules R1)
    limited: bool = False  # it speaks of a limit, by a code that may mean anything (contract 5.3)


Outcome = Accepted | Refused | NotSent | Aborted | Unknown


@dataclass(frozen=True, slots=True)
class Upload:
    """One attempt, ready to be sent."""

    path: str  # for messages only
    open: Callable[[], int]  # a descriptor of the file that was judged; OSError where it fails
    stat: Stat  # what was judged; another fstat before or after sending aborts
    fingerprint: str  # taken again from the bytes as sent
    upload_name: str  # the multipart file name, safe for a header
    container: Container
    scope: Scope
    form: tuple[tuple[str, str], ...]  # further text fields in order; `tags` may repeat
    may_finish: Callable[[str], bool]  # asks for the mark with the blake3 of all bytes; blocks at
    # most 30 s; False: abort
    progress: Progress = field(default_factory=Progress)
    stop: threading.Event = field(default_factory=threading.Event)  # abort before the last byte


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list, newest first."""

    videos: tuple[Video, ...]
    page: int
    total: int | None
    rows: int = 0  # as received, unreadable ones included: 0 is past the end of the list
    date: float | None = None  # the far side's clock, seconds, from its Date header (rules R2)


@dataclass(frozen=True, slots=True)
class Failed:
    """A read that brought no answer to use; it costs nothing and says nothing about any video."""

    trouble: Trouble


class FarSide(Protocol):
    """The account's video library (contract 1 to 3). Thread-safe; blocks; never raises."""

    def upload(self, upload: Upload) -> Outcome:
        """Send one body. Retries nothing by itself: an upload is not idempotent."""
        ...

    def metadata(self, video_no: str, scope: Scope) -> Video | Failed | None:
        """Ask for one video; None: the far side answered that it does not know it (yet)."""
        ...

    def list_videos(
        self,
        scope: Scope | None,
        *,
        page: int = 1,
        size: int = 200,
        video_name: str | None = None,
        video_nos: Sequence[str] = (),
    ) -> Page | Failed:
        """Ask for one page, newest first; None as scope leaves the scope field out."""
        ...

    def close(self) -> None:
        """Let go of the connections; calls under way end with a Failed or by their outcome."""
        ...
