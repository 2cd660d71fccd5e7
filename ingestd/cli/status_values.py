"""What `status` says, as values; times are seconds since the epoch.

The screen, the JSON document and a web page are three drawings of the same `Report`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.model import Gate, GateName, Reason, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.cli.snapshot import LiveFolder, LiveUpload, Refused, Snapshot
    from ingestd.config import Budget
    from ingestd.journal import AfterTotals, Tally, Usage

#: Failures after which the bill stays: the far side took the file (rules R3).
BILLED: Final = frozenset({Reason.INDEXING_FAILED, Reason.INDEXING_DEADLINE})
OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Place:
    """A configured folder, and how it would be watched while no daemon says so itself."""

    name: str
    path: str
    mode: str | None = None
    filesystem: str | None = None
    state: str = OK  # where no daemon has looked at it yet: as it is seen from here
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the report is made of; times are seconds since the epoch."""

    version: str
    now: float
    config: str | None
    state_dir: str
    base_url: str
    per_minute: float | None
    budget: Budget
    places: tuple[Place, ...]
    running: bool  # a process holds the state directory
    pid: int | None
    since: float | None
    live: Snapshot | None  # None: not running, or too busy to answer
    tallies: tuple[Tally, ...]
    gates: tuple[Gate, ...]
    usage: tuple[Usage, ...]  # of the local month
    after: Mapping[str, AfterTotals] = field(default_factory=dict)  # by folder
    refused_codecs: tuple[str, ...] = ()  # of the newest rejected rows
    start: str = "ingestd run"  # what starts it here
    under: str | None = None  # the subtree that was asked about
    unseen: int | None = None  # files in it that have no row; None: not asked, or too many
    last: Snapshot | None = None  # what is known from before, where the daemon does not say


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that share a state and a reason."""

    state: State
    reason: Reason | None
    files: int
    bytes: int
    seconds: float
    codecs: tuple[str, ...] = ()

    @property
    def billed(self) -> bool:
        """Whether these were paid for although they are not searchable."""
        return self.reason in BILLED


@dataclass(frozen=True, slots=True)
class FolderReport:
    """One line of the table: how a folder stands, and what became of its files."""

    name: str | None  # None: files that were added by hand from elsewhere
    configured: bool
    live: LiveFolder
    part: bool  # only a part of it was asked about
    counts: Mapping[State, int]
    held: tuple[Group, ...] = ()
    after: AfterTotals | None = None  # after-actions that are still to come

    @property
    def searchable(self) -> int:
        """Files that people can search."""
        return self.counts[State.PARSED]

    @property
    def indexing(self) -> int:
        """Files that the far side has and works on."""
        return self.counts[State.INDEXING]

    @property
    def in_line(self) -> int:
        """Files that wait to be sent."""
        return self.counts[State.QUEUED]

    @property
    def problems(self) -> int:
        """Files that will not become searchable as things are."""
        return self.counts[State.REJECTED] + self.counts[State.FAILED]

    @property
    def troubled(self) -> bool:
        """Whether the folder itself cannot be watched as it should be."""
        return self.live.state not in (None, OK)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to be sent."""

    files: int = 0
    bytes: int = 0
    minutes: float = 0.0
    eta: float | None = None  # when the last one goes out
    waiting_for: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was uploaded today and this month."""

    uploads_today: int = 0
    minutes_today: float = 0.0
    minutes_month: float = 0.0
    limit_today: float | None = None
    limit_month: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything `status` says; times are seconds since the epoch."""

    version: str
    now: float
    config: str | None
    refused: Refused | None  # a changed configuration was refused: the old one is in force
    state_dir: str
    under: str | None
    unseen: int | None
    running: bool
    answering: bool
    pid: int | None
    since: float | None
    base_url: str
    key_id: str | None
    key_source: str | None
    key_since: float | None
    last_ok_at: float | None
    counts: Mapping[State, int]
    gates: tuple[Gate, ...]
    queue: Queue
    folders: tuple[FolderReport, ...]
    uploads: tuple[LiveUpload, ...]
    problems: tuple[Group, ...]
    settling: int
    spent: Spent
    per_minute: float | None
    price_per_minute: float
    currency: str
    start: str
    needs_you: tuple[str, ...] = field(default=())

    @property
    def paused(self) -> bool:
        """Whether a person paused the uploads."""
        return any(gate.name is GateName.PAUSED for gate in self.gates)

    def price(self, seconds: float) -> str:
        """Write what so much playing time costs, as part of a sentence."""
        return words.about(seconds / 60 * self.price_per_minute, self.currency)
