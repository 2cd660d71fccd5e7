"""What workers, watchers and commands tell the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.afterwards import Result
    from ingestd.follow import Poll
    from ingestd.model import Facts, Stat, Video
    from ingestd.probe import ProbeTrouble
    from ingestd.remote.contract import Outcome, Trouble
    from ingestd.settle import Candidate
    from ingestd.watch.entries import Entry, Listing, ScanReport
    from ingestd.watch.hints import HintState


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened at a path below a watched root."""

    root: str
    path: str


@dataclass(frozen=True, slots=True)
class HintsLost:
    """Events were lost; None: of all folders."""

    root: str | None


@dataclass(frozen=True, slots=True)
class ScanBegun:
    """How the folder lies and whether it is watched, found out by its worker."""

    folder: str
    fstype: str
    mode: str
    hints: HintState


@dataclass(frozen=True, slots=True)
class Listed:
    """A piece of a directory, from a scan."""

    folder: str
    listing: Listing


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """A pass over a folder is over."""

    folder: str
    report: ScanReport


@dataclass(frozen=True, slots=True)
class LookedAt:
    """The answer to a targeted look; what is not ours by name has no entry."""

    folder: str
    asked: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Probed:
    """A settled file was looked into."""

    candidate: Candidate
    result: Facts | ProbeTrouble


@dataclass(frozen=True, slots=True)
class FoundByHand:
    """What lies at paths that a person asked to add."""

    wish: int
    entries: tuple[Entry, ...]
    folder: str | None
    pay_again: bool
    refused: tuple[tuple[str, str], ...]  # path and why


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file was read in full, or could not be."""

    item_id: int
    stat: Stat | None  # None: it could not be read
    digest: str | None  # None with a stat: it is no longer the file that was judged


@dataclass(frozen=True, slots=True)
class Prepared:
    """The far side was asked before an upload (rules R2, preflight)."""

    item_id: int
    trouble: Trouble | None = None
    watermark: float | None = None
    watermark_read: bool = False
    seen: tuple[Video, ...] = ()  # rows with the upload's name


@dataclass(frozen=True, slots=True)
class MarkWanted:
    """An upload is about to hand on its last bytes and asks for the mark (rules R1)."""

    send_id: int
    content_hash: str  # blake3 of the bytes as they were sent
    answer: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class UploadEnded:
    """An attempt is over."""

    item_id: int
    send_id: int
    outcome: Outcome
    sent: int


@dataclass(frozen=True, slots=True)
class Polled:
    """The far side was asked about rows that are being indexed."""

    poll: Poll
    videos: Mapping[str, Video]  # by number; one that is absent is not shown (yet)
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class LookEnded:
    """The far side was searched for an upload whose answer was lost."""

    item_id: int
    send_id: int
    videos: tuple[Video, ...]
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class Tidied:
    """An after-action ended (interface 4, `after_*`)."""

    item_id: int
    folder: str
    result: Result


@dataclass(frozen=True, slots=True)
class Asked:
    """A command asks; `answer` must be called once."""

    request: Mapping[str, object]
    answer: Callable[[Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class JobBroke:
    """A worker's job raised: a bug, which must stop nothing else."""

    lane: str
    error: str
    instead: Message | None  # what the job would have said had it merely failed


Message = (
    Hint
    | HintsLost
    | ScanBegun
    | Listed
    | ScanEnded
    | LookedAt
    | Probed
    | FoundByHand
    | Hashed
    | Prepared
    | MarkWanted
    | UploadEnded
    | Polled
    | LookEnded
    | Tidied
    | Asked
    | JobBroke
)
