"""What `status` says, as one value: facts in, the report out; pure.

The screen, the JSON document and a web page are three drawings of the same `Report`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestd.cli import words
from ingestd.cli.snapshot import LiveFolder, LiveUpload, Snapshot
from ingestd.model import Gate, GateName, Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ingestd.config import Budget
    from ingestd.journal import Tally, Usage

#: Failures after which the bill stays: the far side took the file (rules R3).
BILLED = frozenset({Reason.INDEXING_FAILED, Reason.INDEXING_DEADLINE})
OK = "ok"


@dataclass(frozen=True, slots=True)
class Place:
    """A configured folder, and how it would be watched while no daemon says so itself."""

    name: str
    path: str
    mode: str | None = None
    filesystem: str | None = None


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
    refused_codecs: tuple[str, ...] = ()  # of the newest rejected rows
    under: str | None = None  # the subtree that was asked about
    unseen: int | None = None  # files in it that have no row; None: not asked, or too many


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
    needs_you: tuple[str, ...] = field(default=())

    @property
    def paused(self) -> bool:
        """Whether a person paused the uploads."""
        return any(gate.name is GateName.PAUSED for gate in self.gates)

    def price(self, seconds: float) -> str:
        """Write what so much playing time costs, as part of a sentence."""
        return words.about(seconds / 60 * self.price_per_minute, self.currency)


def make_report(facts: Facts) -> Report:
    """Make the report of the facts."""
    live = facts.live or Snapshot()
    folders = tuple(_folders(facts, live))
    counts = _counts(facts.tallies)
    return Report(
        version=live.version or facts.version,
        now=facts.now,
        config=live.config if facts.live else facts.config,
        state_dir=facts.state_dir,
        under=facts.under,
        unseen=facts.unseen,
        running=facts.running,
        answering=facts.live is not None,
        pid=live.pid or facts.pid,
        since=live.since or facts.since,
        base_url=live.api.base_url or facts.base_url,
        key_id=live.api.key_id,
        key_source=live.api.key_source,
        last_ok_at=live.api.last_ok_at,
        counts=counts,
        gates=tuple(sorted(facts.gates, key=lambda gate: gate.since)),
        queue=_queue(facts.tallies, live),
        folders=folders,
        uploads=tuple(one for one in live.uploads if _is_under(one.path, facts.under)),
        problems=_problems(facts),
        settling=_settling(facts, live, folders),
        spent=_spent(facts),
        per_minute=facts.per_minute,
        price_per_minute=facts.budget.price_per_1000_min / 1000,
        currency=facts.budget.currency,
        needs_you=tuple(dict.fromkeys(_needs(folders))),
    )


def _settling(facts: Facts, live: Snapshot, folders: Iterable[FolderReport]) -> int:
    """How many files the daemon has seen and does not know to be complete."""
    if facts.under is None:
        return live.settling
    return sum(folder.live.settling for folder in folders if not folder.part)


def _is_under(path: str | None, under: str | None) -> bool:
    if under is None:
        return True
    return path is not None and (path == under or path.startswith(under.rstrip("/") + "/"))


def _counts(tallies: Iterable[Tally]) -> dict[State, int]:
    counts = dict.fromkeys(State, 0)
    for tally in tallies:
        counts[tally.state] += tally.files
    return counts


def _folders(facts: Facts, live: Snapshot) -> Iterable[FolderReport]:
    """The configured folders in their order, then what else the journal has rows of."""
    seen = {folder.name: folder for folder in live.folders}
    tallied = {tally.folder for tally in facts.tallies}
    names = [place.name for place in facts.places]
    for place in facts.places:
        told = seen.get(place.name) or LiveFolder(
            place.name, place.path, place.mode, place.filesystem
        )
        yield _folder(facts, place.name, told, configured=True)
    running_only = [name for name in seen if name not in names and facts.under is None]
    for name in running_only:
        yield _folder(facts, name, seen[name], configured=True)
    others = tallied - set(names) - set(running_only)
    known = facts.config is not None
    for other in sorted(others, key=lambda one: (one is None, one or "")):
        yield _folder(facts, other, LiveFolder(other or ""), configured=not known)


def _folder(facts: Facts, name: str | None, told: LiveFolder, *, configured: bool) -> FolderReport:
    mine = [tally for tally in facts.tallies if tally.folder == name]
    held = _groups(tally for tally in mine if tally.state is State.HELD)
    part = facts.under is not None and not _is_under(told.path, facts.under)
    return FolderReport(name, configured, told, part, _counts(mine), held)


def _groups(tallies: Iterable[Tally]) -> tuple[Group, ...]:
    sums: dict[tuple[State, Reason | None], Group] = {}
    for tally in tallies:
        key = (tally.state, tally.reason)
        old = sums.get(key) or Group(tally.state, tally.reason, 0, 0, 0.0)
        sums[key] = Group(
            tally.state,
            tally.reason,
            old.files + tally.files,
            old.bytes + tally.bytes,
            old.seconds + tally.seconds,
        )
    groups = [group for group in sums.values() if group.files]
    return tuple(sorted(groups, key=lambda group: -group.files))


def _problems(facts: Facts) -> tuple[Group, ...]:
    """Rejected first, then failed, each by number: the order of the drawn screen."""
    groups = _groups(
        tally for tally in facts.tallies if tally.state in (State.REJECTED, State.FAILED)
    )
    ordered = sorted(groups, key=lambda group: group.state is State.FAILED)
    return tuple(
        Group(one.state, one.reason, one.files, one.bytes, one.seconds, facts.refused_codecs)
        if one.reason is Reason.CODEC
        else one
        for one in ordered
    )


def _queue(tallies: Iterable[Tally], live: Snapshot) -> Queue:
    queued = [tally for tally in tallies if tally.state is State.QUEUED]
    return Queue(
        files=sum(tally.files for tally in queued),
        bytes=sum(tally.bytes for tally in queued),
        minutes=sum(tally.seconds for tally in queued) / 60,
        eta=live.eta,
        waiting_for=live.waiting_for,
    )


def _spent(facts: Facts) -> Spent:
    today = words.day(facts.now)
    now = [usage for usage in facts.usage if usage.day == today]
    return Spent(
        uploads_today=sum(usage.uploads for usage in now),
        minutes_today=sum(usage.seconds for usage in now) / 60,
        minutes_month=sum(usage.seconds for usage in facts.usage if usage.day[:7] == today[:7])
        / 60,
        limit_today=facts.budget.minutes_per_day,
        limit_month=facts.budget.minutes_per_month,
    )


def _needs(folders: Iterable[FolderReport]) -> Iterable[str]:
    """What a person has to look at, in the words of the screen's second line."""
    for folder in folders:
        name = words.printable(folder.name or "a file added by hand")
        if folder.troubled:
            yield f"folder {name} is {folder.live.state}"
        for group in folder.held:
            if group.reason is Reason.UNCONFIRMED:
                yield f"{words.count(group.files, 'upload')} of {name} got no answer"
            else:
                yield f"{name} waits for approval"
