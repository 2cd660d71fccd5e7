"""What the desks of the loop share, and the one way in which a row is moved."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ingestd import localtime
from ingestd.gates import playing_time
from ingestd.journal import DiskFullError, JournalBusyError, ReadOnlyJournalError
from ingestd.lifecycle import Policy, decide
from ingestd.mirror.reserve import RESERVE_SIZE
from ingestd.model import Now
from ingestd.remote.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from ingestd.config import ApiKey, Settings
    from ingestd.daemon.assurance.mirrorcheck import ReadJournal
    from ingestd.daemon.inbox import Inbox
    from ingestd.daemon.workers import Workers
    from ingestd.journal import Journal
    from ingestd.lifecycle.events import Event
    from ingestd.model import Item
    from ingestd.remote.contract import FarSide


#: The journal cannot take anything now: what it did not take is handed in again.
NOT_NOW = (DiskFullError, JournalBusyError, ReadOnlyJournalError)


class Clock(Protocol):
    """Both clocks at once; the tests have their own."""

    def now(self) -> Now:
        """Read them."""
        ...


@dataclass(slots=True)
class Context:
    """The loop's surroundings. Only the loop's thread touches it."""

    settings: Settings
    journal: Journal
    far: FarSide
    workers: Workers
    inbox: Inbox
    log: FilteringBoundLogger
    host: str
    now: Now = field(default_factory=lambda: Now(0.0, 0.0))
    stopping: bool = False
    unrecorded: bool = False  # messages of the workers wait until the journal takes them
    last_answer_at: float | None = None  # wall clock; the far side answered something useful
    listeners: list[Callable[[Item | None, Item], None]] = field(default_factory=list)
    jitter: Callable[[], float] = random.random
    #: Limits all uploads together from now on, bytes/s; None: unlimited.
    set_bandwidth: Callable[[float | None], None] = lambda _rate: None
    #: Makes what an upload in flight shows of itself.
    progress: Callable[[], Progress] = Progress
    #: Reads the API key again from where it came from; raises IngestdError. None: it cannot change.
    reread_key: Callable[[], ApiKey] | None = None
    #: Asks the far side with another key from now on.
    take_key: Callable[[ApiKey], None] = lambda _key: None
    #: Rows whose lost answer could be read: three looks suffice (rules R1). In memory only: after
    #: a restart the longer search is the careful one.
    readable: set[int] = field(default_factory=set)
    #: Rows whose lost answer spoke of a limit while clips of ours were in the far side's queue: did
    #: it not arrive, its attempt is given back (rules R7). In memory only, as above.
    limited: set[int] = field(default_factory=set)
    #: Makes a file's data durable; the tests' power fails in it.
    sync: Callable[[int], None] = os.fsync
    #: Opens the journal for a worker that reads; None: its file, beside the loop's connection.
    read_journal: ReadJournal | None = None
    #: Room that is kept on the disks of journal and mirror for recording outcomes, bytes.
    reserve: int = RESERVE_SIZE

    def policy(self) -> Policy:
        """The limits in force."""
        upload, indexing = self.settings.upload, self.settings.indexing
        return Policy(
            max_attempts=upload.max_attempts,
            retry_min=upload.retry_min,
            retry_max=upload.retry_max,
            poll_min=indexing.poll_min,
            poll_max=indexing.poll_max,
            deadline=indexing.deadline,
            confirm_for=indexing.confirm_for,
            resend=indexing.confirm_then.value == "resend",
        )

    def apply(self, item: Item, event: Event) -> Item:
        """Decide, record, tell: the only way in which the loop moves a row."""
        decision = decide(item, event, self.now.wall, self.policy(), self.jitter())
        if decision.item is item:
            return item
        if decision.name is None:
            return self.journal.revise(item, decision.item, self.now.wall)
        with self.journal.transaction():
            after = self.journal.move(
                item, decision.item, decision.name, self.now.wall, decision.detail
            )
            self.tell(decision.name, item, after, decision.detail)
            return self._listened(item, after)

    def count_paid(self, item: Item, size: int) -> None:
        """Count an upload, in the day's usage, that the far side took: it is billed."""
        self.journal.add_usage(
            localtime.day(self.now.wall), 1, playing_time(item.duration_s, size), size
        )

    def unconfirmed_at(self, item: Item) -> float | None:
        """When a row's last attempt began whose last byte may have gone out; None: none did."""
        sends = self.journal.sends(item.id) if item.attempts else ()
        return max((send.at for send in sends if send.marked_at is not None), default=None)

    def add(self, item: Item, event: str, detail: str | None = None) -> Item:
        """Record a new row."""
        with self.journal.transaction():
            added = self.journal.add(item, event, self.now.wall, detail)
            self.tell(event, None, added, detail)
            return self._listened(None, added)

    def _listened(self, before: Item | None, after: Item) -> Item:
        """Let the desks act on a move in its own transaction; they may have revised the row."""
        for listener in self.listeners:
            listener(before, after)
        return self.journal.item(after.id) or after

    def tell(self, name: str, before: Item | None, after: Item, detail: str | None) -> None:
        """Log a move: one event, with id, path, old and new state (interface 5)."""
        known: dict[str, object] = {
            "id": after.id,
            "path": after.path,
            "from": before.state.value if before else None,
            "to": after.state.value,
        }
        if after.reason:
            known["reason"] = after.reason.value
        if after.video_no:
            known["video_no"] = after.video_no
        if detail:
            known["detail"] = detail
        self.log.info(name, **known)

    def mono(self, wall: float) -> float:
        """The monotonic moment that a stored time stands for, as the clocks are now."""
        return self.now.mono + (wall - self.now.wall)
