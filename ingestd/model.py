"""The values that the rooms hand to each other: frozen, without behaviour that touches the world.

Times named `*_at` are wall-clock seconds since the epoch (UTC); durations are seconds; sizes are
bytes. Paths are `os.fsdecode` of the bytes on disk (surrogates stand for bytes that are no UTF-8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """What is true of a file (interface 2)."""

    SETTLING = "settling"  # seen, not yet known to be complete; memory only
    HELD = "held"  # complete and valid, waits for a person
    QUEUED = "queued"  # to be uploaded; next_attempt_at says when
    UPLOADING = "uploading"  # an attempt is on disk and may have reached the far side
    CONFIRMING = "confirming"  # the outcome of an attempt is unknown; the far side is asked
    INDEXING = "indexing"  # the far side has it: video_no known, status not final
    PARSED = "parsed"  # searchable
    REJECTED = "rejected"  # not acceptable; reason says why
    DUPLICATE = "duplicate"  # same content as the row duplicate_of, proven
    SKIPPED = "skipped"  # known, not to be uploaded; its content counts as known
    GONE = "gone"  # vanished or replaced before it was sent
    FAILED = "failed"  # refused for good, or accepted but not indexed


class Reason(StrEnum):
    """The stable machine word beside a state (interface 2)."""

    # held
    SURGE = "surge"
    FIRST_LOOK = "first_look"
    OVERSIZE = "oversize"
    UNCONFIRMED = "unconfirmed"
    OTHER_SCOPE = "other_scope"
    FOREIGN_DISK = "foreign_disk"
    NO_CHECKSUM_LIST = "no_checksum_list"
    # rejected
    EXTENSION = "extension"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    MIME = "mime"
    CODEC = "codec"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"
    NOT_REGULAR = "not_regular"
    OUTSIDE_ROOT = "outside_root"
    PROXY = "proxy"
    CHECKSUM = "checksum"
    # failed
    REFUSED = "refused"
    INDEXING_FAILED = "indexing_failed"
    INDEXING_DEADLINE = "indexing_deadline"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    # gone
    VANISHED = "vanished"
    REPLACED = "replaced"
    # parsed
    SEEN = "seen"


class GateName(StrEnum):
    """Troubles of the account or the daemon that pause uploads (interface 2)."""

    RATE_LIMIT = "rate_limit"
    INDEXING_CAP = "indexing_cap"
    CREDITS = "credits"
    AUTH = "auth"
    DISABLED = "disabled"
    UNREACHABLE = "unreachable"
    BUDGET = "budget"
    PAUSED = "paused"
    BANDWIDTH_WINDOW = "bandwidth_window"
    DISK_FULL = "disk_full"
    JOURNAL = "journal"


class Container(StrEnum):
    """The container that a file's bytes prove, whatever its name says."""

    MP4 = "mp4"
    QUICKTIME = "quicktime"
    MATROSKA = "matroska"
    AVI = "avi"

    @property
    def content_type(self) -> str:
        """The part's Content-Type; the far side demands `video/` (contract 1.1)."""
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Container.MP4: "video/mp4",
    Container.QUICKTIME: "video/quicktime",
    Container.MATROSKA: "video/x-matroska",
    Container.AVI: "video/x-msvideo",
}


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on both clocks: wall for what is stored, monotonic for what is measured."""

    wall: float
    mono: float


@dataclass(frozen=True, slots=True)
class Stat:
    """What tells whether a file changed; compared as a whole."""

    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int
    inode: int

    def same_content_as(self, other: Stat) -> bool:
        """Tell whether nothing suggests that the bytes changed (a chmod or rename is no change)."""
        return (self.size, self.mtime_ns, self.dev, self.inode) == (
            other.size,
            other.mtime_ns,
            other.dev,
            other.inode,
        )


@dataclass(frozen=True, slots=True)
class Track:
    """One track as the container names it."""

    kind: str  # video, audio, other
    codec: str  # h264, hevc, vp9, av1, prores, mpeg4 ...; "" when unknown
    tag: str  # the container's own name: avc1, V_MPEGH/ISO/HEVC, H264


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look at a file's bytes found; says nothing about whether that is acceptable."""

    container: Container | None  # None: none that we know
    complete: bool  # as far as the structure tells
    detail: str = ""  # why not complete, or what was found instead of a container
    tracks: tuple[Track, ...] = ()
    duration_s: float | None = None
    zero_tail: bool = False  # a quarter or more of the last media chunk is zeros (rules R5)

    @property
    def video(self) -> Track | None:
        """The first video track."""
        return next((track for track in self.tracks if track.kind == "video"), None)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one settled file, taken through one descriptor."""

    stat: Stat
    findings: Findings
    fingerprint: str  # 32 hex digits: xxh3_128 over size, head, middle and tail
    regular: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """A journal row: one content at one path and what became of it."""

    id: int
    path: str
    folder: str | None  # name of the watched folder; None: added by hand from elsewhere
    state: State
    reason: Reason | None = None
    detail: str | None = None
    stat: Stat | None = None
    fingerprint: str | None = None
    content_hash: str | None = None  # blake3, 64 hex digits; known once its bytes were read in full
    container: Container | None = None
    codec: str | None = None
    duration_s: float | None = None
    video_no: str | None = None
    upload_name: str | None = None
    scope: str | None = None  # "unique_id=default": stored with the attempt, used for ever
    duplicate_of: int | None = None
    suspect_of: int | None = None  # an unproven sampled match: waits for that row's full hash
    attempts: int = 0
    next_attempt_at: float | None = None  # next upload, look or poll, by state
    delay: float = 0.0  # the current growing delay behind next_attempt_at, seconds
    asked_s: float = 0.0  # monotonic time between answered looks (rules R2)
    asks: int = 0  # answered looks in this state
    first_seen_at: float = 0.0
    queued_at: float | None = None
    uploaded_at: float | None = None
    parsed_at: float | None = None
    updated_at: float = 0.0
    fields: Mapping[str, object] = field(default_factory=dict)
    rules: str | None = None  # digest of the validation rules it was judged by
    volume: str | None = None  # the file system it was seen on; None: not known
    pay_again: bool = False  # a person said: upload it although it was paid
    hidden: bool = False  # forgotten: not listed, its billing fact kept
    account: int = 1  # which of the accounts that this journal has seen the video is in (rules R3)
    moved_to: str | None = None  # where an after-action put the file; `path` is where it was
    removed_at: float | None = None  # when an after-action took the file away from `path`
    approved: tuple[Reason, ...] = ()  # what a person said yes to; SURGE stands for the guard


@dataclass(frozen=True, slots=True)
class Send:
    """One attempt whose body went out, or began to (interface 3, `sends`)."""

    id: int
    item_id: int
    at: float
    upload_name: str
    scope: str
    size: int
    sent: int = 0  # bytes of the body that went out
    watermark: float | None = None  # create_time of the scope's newest row before it, seconds
    marked_at: float | None = None  # "the last byte may go out now" (rules R1)
    ended_at: float | None = None
    outcome: str | None = None  # accepted, refused, not_sent, unknown, found, not_found
    key: str | None = None  # names it in the mirror too (rules R8)


@dataclass(frozen=True, slots=True)
class AfterTask:
    """What is still to be done with a file whose row needs no more work (`after_*`)."""

    item_id: int
    folder: str
    due_at: float
    delay: float = 0.0  # the current growing delay after a failure, seconds
    seen: Stat | None = None  # the file as it lay there when this was planned; must not change
    place: str | None = None  # the directory that a move began to fill: looked into after a crash
    trouble: str | None = None  # why the last try failed, a sentence with the remedy


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a row's history."""

    at: float
    from_state: State | None
    to_state: State
    event: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A closed gate: uploads pause, following goes on where it can (rules R7)."""

    name: GateName
    since: float
    until: float | None  # when it lets a probe through; None: only a person opens it
    detail: str
    delay: float = 0.0  # the current growing delay, seconds
    closed_by: int | None = None  # the row whose refusal closed it
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in the account a video goes: the parameter's name and value (contract 1.1, drift)."""

    kind: str  # "unique_id" or "folder_id"
    value: str

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Read what `str` wrote."""
        kind, _, value = text.partition("=")
        return cls(kind, value)


@dataclass(frozen=True, slots=True)
class Video:
    """One row of the far side, from metadata or a list; absent things are None (contract 2, 3)."""

    video_no: str
    status: str  # as spelt there, upper case; "" when absent
    name: str | None = None
    size: int | None = None
    create_time: float | None = None  # seconds
    duration_s: float | None = None
    cause: str | None = None
