"""What can happen to a row, as values; `decisions` says which rule each calls.

Named tuples, because each start defines them all: a frozen dataclass takes six times as long. Ask
for their type, never for their truth: one without a field is false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ingestd.model import Reason, State


class Claimed(NamedTuple):
    """An attempt is about to start."""

    upload_name: str
    scope: str


class TakenIn(NamedTuple):
    """The far side named a video for this row: by its answer, or found by a look."""

    video_no: str
    content_hash: str | None
    how: str  # "accepted" or "found"
    detail: str | None = None


class GateRefused(NamedTuple):
    """Refused for the account's sake: the attempt is given back (rules R7)."""

    text: str


class FileRefused(NamedTuple):
    """Refused for good for the file's own sake."""

    text: str


class AttemptFailed(NamedTuple):
    """Provably not accepted, for the file's own reasons or for none that is known."""

    text: str


class Postponed(NamedTuple):
    """Our side ended or could not begin the attempt: later again, nothing burned."""

    text: str
    after: float | None = None  # seconds; None: the row's growing delay


class OutcomeUnknown(NamedTuple):
    """The last byte may have gone out and no word came back."""

    text: str
    readable: bool


class NotFound(NamedTuple):
    """A complete look brought no evidence."""

    spent: float  # monotonic seconds since the last answered look
    readable: bool
    proven: bool  # no row that was seen could be the upload under any name
    candidates: tuple[str, ...] = ()  # videos that could be it
    limited: bool = False  # its answer spoke of a limit while the far side's queue was in use
    shown_late: float = 0.0  # longest time after an acceptance that a video was not shown, seconds


class LookFailed(NamedTuple):
    """A look brought no answer: it spends nothing."""

    text: str


class StatusRead(NamedTuple):
    """The far side said how far the indexing is; "" means it does not show the video yet."""

    status: str
    spent: float
    cause: str | None = None
    duration_s: float | None = None


class Replaced(NamedTuple):
    """Another file stands at the path."""

    attempt_at: float | None = None  # when its last attempt began that was never confirmed, seconds


class Vanished(NamedTuple):
    """The file is no longer there; proven by two scans of a root that is in order."""

    attempt_at: float | None = None  # when its last attempt began that was never confirmed, seconds


class Judged(NamedTuple):
    """A look at the file said what it is: the verdict, in the words of the row."""

    state: State  # queued, held, rejected, duplicate
    reason: Reason | None
    detail: str | None


class SameContent(NamedTuple):
    """Proven: another row holds this content."""

    original: int
    content_hash: str


class Wanted(NamedTuple):
    """A person said `retry` (or `approve`): go on with it."""

    pay_again: bool = False


class Approved(NamedTuple):
    """A person said `approve`: it goes, whatever held it."""


class Skipped(NamedTuple):
    """A person said `skip`: known, not to be uploaded."""


class LeftBehind(NamedTuple):
    """The key is another account's now: nobody can be asked about this row any more."""

    text: str


Event = (
    Claimed
    | TakenIn
    | GateRefused
    | FileRefused
    | AttemptFailed
    | Postponed
    | OutcomeUnknown
    | NotFound
    | LookFailed
    | StatusRead
    | Replaced
    | Vanished
    | Judged
    | SameContent
    | Wanted
    | Approved
    | Skipped
    | LeftBehind
)
