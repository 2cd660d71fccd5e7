"""Every attempt from its claim over the mark to the record of its outcome (rules R1)."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd import fields
from ingestd.daemon.asking.ours import learn_name
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.messages import UploadEnded
from ingestd.daemon.recovery import settle
from ingestd.daemon.sending.limiter import Limiter
from ingestd.daemon.sending.marks import Marks
from ingestd.daemon.sending.outcomes import meaning_of
from ingestd.daemon.sending.preflight import LANE, Preflight, Preflights
from ingestd.errors import JournalError
from ingestd.journal import ConflictError
from ingestd.lifecycle import events
from ingestd.model import GateName, Send, State
from ingestd.remote.contract import (
    Aborted,
    Accepted,
    LocalKind,
    Unknown,
    Upload,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.assurance.desk import Assurance
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.daemon.sending.troubles import Troubles
    from ingestd.model import Item, Scope
    from ingestd.remote.contract import Outcome
    from ingestd.remote.progress import Progress


@dataclass(frozen=True, slots=True)
class Flight:
    """An attempt under way."""

    item: Item
    send: Send
    progress: Progress
    stop: threading.Event
    began: float  # monotonic
    probes: frozenset[GateName]


class Flights:
    """The desk that owns every attempt."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        assurance: Assurance,
        troubles: Troubles,
        opener: Callable[[Item], Callable[[], int]],
        is_missed: Callable[[Item], bool],
    ) -> None:
        """Take the desk.

        Args:
            ctx: the loop's surroundings.
            keeper: the gates.
            assurance: knows whether the journal knows all that was paid; keeps the mirror.
            troubles: what the ends of attempts say about the account.
            opener: gives a function that opens a row's file, safely.
            is_missed: tells whether a scan would notice that a row's file has gone.
        """
        self._ctx, self._keeper, self._opener = ctx, keeper, opener
        self._troubles, self._is_missed = troubles, is_missed
        self.assurance, self._mirror = assurance, assurance.mirroring.writer
        self.limiter = Limiter(ctx)
        self.preflights = Preflights(ctx, keeper, assurance, self.limiter, self._start)
        self._flights: dict[int, Flight] = {}
        self._hanging: set[str] = set()  # folders whose disk does not answer
        self.marks = Marks(ctx, keeper, self._finishing)

    def __len__(self) -> int:
        """How many attempts are under way or being prepared, and take up a slot."""
        hang = sum(self._hangs(flight) for flight in self._flights.values())
        return len(self._flights) - hang + len(self.preflights.open)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._flights or item_id in self.preflights.open

    @property
    def under_way(self) -> tuple[Flight, ...]:
        """The attempts whose body goes out or whose answer is awaited."""
        return tuple(self._flights.values())

    @property
    def items(self) -> list[Item]:
        """The rows of all of them."""
        items = [flight.item for flight in self._flights.values()]
        return items + [one.item for one in self.preflights.open.values()]

    def sizes(self) -> list[int]:
        """The sizes of all of them, bytes."""
        items = [one.item for one in self._flights.values() if not self._hangs(one)]
        items += [one.item for one in self.preflights.open.values()]
        return [item.stat.size for item in items if item.stat]

    def disk_hangs(self, folder: str) -> None:
        """A folder's disk does not answer: bodies that come from there take up no slot."""
        self._hanging.add(folder)
        for flight in self._flights.values():
            if self._hangs(flight):
                self._keeper.probing -= flight.probes

    def disk_answers(self, folder: str) -> None:
        """It does again."""
        self._hanging.discard(folder)

    def _hangs(self, flight: Flight) -> bool:
        return flight.item.folder in self._hanging and flight.progress.phase == "sending"

    # --- under way --------------------------------------------------------------------------

    def _start(self, preflight: Preflight, watermark: float | None) -> None:
        """Claim the row, record the attempt, send a worker on its way."""
        item, now = preflight.item, self._ctx.now
        with self._ctx.journal.transaction():
            item = self._ctx.apply(item, events.Claimed(preflight.name, str(preflight.scope)))
            send = self._ctx.journal.begin_send(
                Send(
                    id=0,
                    item_id=item.id,
                    at=now.wall,
                    upload_name=preflight.name,
                    scope=str(preflight.scope),
                    size=item.stat.size if item.stat else 0,
                    watermark=watermark,
                    key=secrets.token_hex(8),
                )
            )
            self.limiter.started()
        flight = Flight(
            item, send, self._ctx.progress(), threading.Event(), now.mono, preflight.probes
        )
        self._flights[item.id] = flight
        upload, far = self._upload(flight, preflight.scope), self._ctx.far
        mirror = self._mirror

        def job() -> UploadEnded:
            outcome = far.upload(upload)
            mirror.ended(send, outcome)
            return UploadEnded(item.id, send.id, outcome, upload.progress.sent)

        # a job that breaks may have sent everything: unknown, never "not sent"
        broke = Unknown("the sender broke", readable=False)
        lane = f"{LANE} {item.folder or ''}"  # a dead share holds up no other folder's uploads
        self._ctx.workers.submit(lane, job, UploadEnded(item.id, send.id, broke, 0))

    def _upload(self, flight: Flight, scope: Scope) -> Upload:
        item, send = flight.item, flight.send
        if item.stat is None or item.container is None or item.fingerprint is None:
            raise JournalError(f"row {item.id} lacks what it was judged by")
        return Upload(
            path=item.path,
            open=self._opener(item),
            stat=item.stat,
            fingerprint=item.fingerprint,
            upload_name=flight.send.upload_name,
            container=item.container,
            scope=scope,
            form=fields.form_of(item.fields),
            may_finish=lambda content_hash: (
                self._mirror.intend(item, send, content_hash)
                and self.marks.ask(send.id, content_hash)
            ),
            progress=flight.progress,
            stop=flight.stop,
        )

    def _finishing(self, send_id: int) -> Send | None:
        """The attempt that may have its mark: under way, and not told to stop."""
        for flight in self._flights.values():
            if flight.send.id == send_id and not flight.stop.is_set():
                return flight.send
        return None

    # --- after ------------------------------------------------------------------------------

    def ended(self, message: UploadEnded) -> None:
        """Record how an attempt ended, before anything else happens to its row."""
        flight = self._flights.get(message.item_id)
        if flight is None:
            return
        try:
            self._recorded(flight, message.outcome, message.sent)
        except NOT_NOW:
            raise  # handed in again: only what is recorded frees its slot
        except Exception:
            self._land(flight)
            self._settle(flight)
            raise
        self._land(flight)

    def _recorded(self, flight: Flight, outcome: Outcome, sent: int) -> None:
        try:
            with self._ctx.journal.transaction():
                self._record(flight, outcome, sent)
        except ConflictError as error:
            text = f"memories.ai named a video that another file has: {error}"
            with self._ctx.journal.transaction():
                self._record(flight, Unknown(text, readable=False), sent)

    def _land(self, flight: Flight) -> None:
        """Free the slot."""
        self._flights.pop(flight.item.id, None)
        self._keeper.probing -= flight.probes

    def _settle(self, flight: Flight) -> None:
        """Recording the outcome hit a bug: the mark decides, so that the row does not hang."""
        item = self._ctx.journal.item(flight.item.id)
        if item is not None and item.state is State.UPLOADING:
            text = "How the attempt ended could not be recorded; nothing was accepted."
            settle(self._ctx, item, events.Postponed(text), "it could not be recorded")

    def _record(self, flight: Flight, outcome: Outcome, sent: int) -> None:
        ctx, meaning = self._ctx, meaning_of(outcome)
        ctx.journal.end_send(flight.send.id, ctx.now.wall, meaning.recorded, sent)
        item = ctx.journal.item(flight.item.id)
        if item is None:
            raise JournalError(f"row {flight.item.id} is not in the journal any more")
        event = self._troubles.event_of(item, flight.send, meaning.account, meaning.event)
        if isinstance(outcome, Aborted) and not sent:
            self.limiter.unspent(flight.send.at)
            if outcome.kind is LocalKind.VANISHED and not self._is_missed(item):
                event = events.Vanished(self._ctx.unconfirmed_at(item))
        after = ctx.apply(item, event)
        if isinstance(outcome, Unknown):
            self._note(after, outcome)
        if isinstance(outcome, Accepted):
            self._accepted(after, flight, outcome)

    def _note(self, item: Item, outcome: Unknown) -> None:
        """Remember what the looks for a lost upload want to know of its answer."""
        self._ctx.readable.discard(item.id)  # an earlier attempt's answer says nothing of this one
        self._ctx.limited.discard(item.id)
        if outcome.readable:
            self._ctx.readable.add(item.id)
        if outcome.limited and self._troubles.limited(item, outcome.text):
            self._ctx.limited.add(item.id)

    def _accepted(self, item: Item, flight: Flight, outcome: Accepted) -> None:
        ctx = self._ctx
        self.limiter.accepted()
        ctx.count_paid(item, flight.send.size)
        learn_name(ctx, flight.send.upload_name, outcome.video_name)
        self._troubles.accepted()

    def stop_all(self, *, grace: float) -> None:
        """Abort the bodies that cannot finish within the grace, before their last byte."""
        for flight in self.under_way:
            if flight.progress.phase != "sending":
                continue
            elapsed = max(self._ctx.now.mono - flight.began, 0.001)
            rate = flight.progress.sent / elapsed
            left = flight.send.size - flight.progress.sent
            if left > rate * grace:
                flight.stop.set()
