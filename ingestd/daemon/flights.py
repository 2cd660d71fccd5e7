"""Every attempt from the question before it to the record after it (rules R1, R2)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ingestd import evidence, fields
from ingestd.daemon import jobs
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.messages import MarkWanted, Prepared, UploadEnded
from ingestd.daemon.outcomes import meaning_of
from ingestd.daemon.recovery import settle
from ingestd.daemon.uploads import keep_pace, kept_pace
from ingestd.errors import JournalError
from ingestd.journal import ConflictError, DiskFullError
from ingestd.lifecycle import events
from ingestd.model import GateName, Send, State
from ingestd.naming import stem_of, token_of, upload_name
from ingestd.remote.contract import (
    Accepted,
    Progress,
    Refusal,
    Trouble,
    Unknown,
    Upload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ingestd.daemon.asking import Asking
    from ingestd.daemon.context import Context
    from ingestd.daemon.gatekeeper import Gatekeeper
    from ingestd.journal import Journal
    from ingestd.model import Item, Scope
    from ingestd.remote.contract import Outcome

LANE = "upload"
#: A watermark this old still serves: an older one only makes a search longer, seconds.
WATERMARK_S = 60.0
#: Before a first attempt of a body of this size its name is looked for (rules R2) ...
LOOK_FIRST_SIZE = 8 << 20
#: ... and of any size while the journal is as young as this, rows.
YOUNG_JOURNAL = 100
#: How long a worker waits for its mark (rules R1), seconds.
MARK_PATIENCE_S = 30.0
#: How long a row rests whose preflight brought no answer, seconds; its gate decides beyond that.
REST_S = 5.0
#: Meta key: does the far side's list show our names? True, False, or absent: not seen yet.
NAMES_SHOWN = "names_shown"


@dataclass(frozen=True, slots=True)
class Flight:
    """An attempt under way."""

    item: Item
    send: Send
    progress: Progress
    stop: threading.Event
    began: float  # monotonic
    probes: frozenset[GateName]


@dataclass(slots=True)
class _Preflight:
    item: Item
    scope: Scope
    name: str
    probes: frozenset[GateName]


@dataclass(slots=True)
class _Watermark:
    create_time: float | None
    read_at: float  # monotonic


@dataclass(slots=True)
class _Open:
    flights: dict[int, Flight] = field(default_factory=dict)
    preflights: dict[int, _Preflight] = field(default_factory=dict)


class Flights:
    """The desk that owns every attempt."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        asking: Asking,
        opener: Callable[[Item], Callable[[], int]],
    ) -> None:
        """Take the desk; `opener` gives a function that opens a row's file, safely."""
        self._ctx, self._keeper, self._asking, self._opener = ctx, keeper, asking, opener
        self._open = _Open()
        self._watermarks: dict[str, _Watermark] = {}
        self._pace = kept_pace(ctx)
        self._last_unreachable: int | None = None
        self._loop = threading.get_ident()

    def __len__(self) -> int:
        """How many attempts are under way or being prepared."""
        return len(self._open.flights) + len(self._open.preflights)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._open.flights or item_id in self._open.preflights

    @property
    def under_way(self) -> tuple[Flight, ...]:
        """The attempts whose body goes out or whose answer is awaited."""
        return tuple(self._open.flights.values())

    def sizes(self) -> list[int]:
        """The sizes of all of them, bytes."""
        items = [flight.item for flight in self._open.flights.values()]
        items += [one.item for one in self._open.preflights.values()]
        return [item.stat.size for item in items if item.stat]

    def next_start(self) -> float:
        """When the limiter lets the next upload start, wall clock."""
        self._pace = self._pace.mended(self._ctx.now.wall)
        return self._pace.next_start(self._ctx.settings.upload.per_minute, self._ctx.now.wall)

    # --- before -----------------------------------------------------------------------------

    def begin(self, item: Item, probes: frozenset[GateName]) -> None:
        """Begin an attempt: ask the far side first where the rules say so, else start."""
        self._keeper.probing |= probes
        self._pace = replace(self._pace, last_start=self._ctx.now.wall)
        scope = fields.scope_of(item.fields, self._ctx.settings.api.scope.value)
        token = self._ctx.settings.upload.name_token
        flight = _Preflight(
            item, scope, upload_name(item.path, item.fingerprint or "", token=token), probes
        )
        fresh, look = self._knows_newest(scope), self._looks_first(item)
        self._open.preflights[item.id] = flight
        if fresh and not look:
            self._start_or_drop(flight)
            return
        far, stem = self._ctx.far, stem_of(flight.name) if look else None
        broke = Prepared(item.id, Trouble(Refusal.GARBLED, "the preflight broke"))
        self._ctx.workers.submit(
            LANE,
            lambda: jobs.prepare(far, item.id, scope, stem, read_watermark=not fresh),
            broke,
        )

    def rests_until(self, item: Item) -> float | None:
        """When the question before this upload may be asked, monotonic; None: now, or none is."""
        scope = fields.scope_of(item.fields, self._ctx.settings.api.scope.value)
        if self._asking.pause_until <= self._ctx.now.mono:
            return None
        asks = self._looks_first(item) or not self._knows_newest(scope)
        return self._asking.pause_until if asks else None

    def _knows_newest(self, scope: Scope) -> bool:
        mark = self._watermarks.get(str(scope))
        return mark is not None and self._ctx.now.mono - mark.read_at < WATERMARK_S

    def _looks_first(self, item: Item) -> bool:
        if item.pay_again and not item.attempts:
            return False
        if item.attempts or self._ctx.journal.last_send(item.id) is not None:
            return True
        size = item.stat.size if item.stat else 0
        young = sum(self._ctx.journal.counts().values()) < YOUNG_JOURNAL
        return young or size >= LOOK_FIRST_SIZE

    def prepared(self, message: Prepared) -> None:
        """Go on after the preflight: adopt what is there already, start, or rest."""
        flight = self._open.preflights.get(message.item_id)
        if flight is None:
            return
        try:
            self._go_on(flight, message)
        except Exception:
            self._drop(flight)  # its slot is not lost for it
            raise

    def _go_on(self, flight: _Preflight, message: Prepared) -> None:
        if message.trouble is not None:
            self._preflight_failed(flight, message.trouble)
            return
        self._asking.answered()
        if message.watermark_read:
            self._watermarks[str(flight.scope)] = _Watermark(message.watermark, self._ctx.now.mono)
        item = self._ctx.journal.item(message.item_id)
        if item is None or item.state is not State.QUEUED or self._ctx.stopping:
            self._drop(flight)
            return
        if any(gate.name not in flight.probes for gate in self._keeper.closed):
            self._drop(flight)  # it closed while the far side was asked
            return
        flight.item = item
        if not self._adopted(flight, message):
            self._start(flight)

    def _preflight_failed(self, flight: _Preflight, trouble: Trouble) -> None:
        self._drop(flight)
        kind = Refusal.UNREACHABLE if trouble.kind is Refusal.GARBLED else trouble.kind
        self._asking.failed(replace(trouble, kind=kind), [])
        item = self._ctx.journal.item(flight.item.id)
        if item is not None and item.state is State.QUEUED:
            rest = replace(item, next_attempt_at=self._ctx.now.wall + REST_S)
            self._ctx.journal.revise(item, rest, self._ctx.now.wall)

    def _adopted(self, flight: _Preflight, message: Prepared) -> bool:
        item = flight.item
        if not message.seen or item.stat is None:
            return False
        sought = sought_as(flight.name, item.stat.size)
        video = evidence.weigh(sought, message.seen, self._linked(item, message)).video
        if video is None:
            return False
        detail = "memories.ai had it already: nothing was sent and nothing is paid again."
        with self._ctx.journal.transaction():
            claimed = self._ctx.apply(item, events.Claimed(flight.name, str(flight.scope)))
            taken = events.TakenIn(video.video_no, None, "found", detail)
            self._ctx.apply(claimed, taken)
        self._drop(flight)
        return True

    def _linked(self, item: Item, message: Prepared) -> frozenset[str]:
        owners = (
            (one.video_no, self._ctx.journal.by_video_no(one.video_no)) for one in message.seen
        )
        return frozenset(no for no, owner in owners if owner is not None and owner.id != item.id)

    def _drop(self, flight: _Preflight) -> None:
        self._open.preflights.pop(flight.item.id, None)
        self._keeper.probing -= flight.probes
        self._pace = kept_pace(self._ctx)  # nothing went out: the interval is not spent

    # --- under way --------------------------------------------------------------------------

    def _start_or_drop(self, preflight: _Preflight) -> None:
        """Start; what cannot be recorded gives its slot back."""
        try:
            self._start(preflight)
        except Exception:
            self._drop(preflight)
            raise

    def _start(self, preflight: _Preflight) -> None:
        item, now = preflight.item, self._ctx.now
        if item.stat is None or item.container is None or item.fingerprint is None:
            self._drop(preflight)  # cannot be: a queued row was judged
            return
        mark = self._watermarks.get(str(preflight.scope))
        self._pace = replace(self._pace, last_start=now.wall)
        with self._ctx.journal.transaction():
            item = self._ctx.apply(item, events.Claimed(preflight.name, str(preflight.scope)))
            send = self._ctx.journal.begin_send(
                Send(
                    id=0,
                    item_id=item.id,
                    at=now.wall,
                    upload_name=preflight.name,
                    scope=str(preflight.scope),
                    size=preflight.item.stat.size if preflight.item.stat else 0,
                    watermark=mark.create_time if mark else None,
                )
            )
            keep_pace(self._ctx, self._pace)
        del self._open.preflights[item.id]
        flight = Flight(item, send, Progress(), threading.Event(), now.mono, preflight.probes)
        self._open.flights[item.id] = flight
        upload, far = self._upload(flight, preflight.scope), self._ctx.far

        def job() -> UploadEnded:
            outcome = far.upload(upload)
            return UploadEnded(item.id, send.id, outcome, upload.progress.sent)

        # a job that breaks may have sent everything: unknown, never "not sent"
        broke = Unknown("the sender broke", readable=False)
        self._ctx.workers.submit(LANE, job, UploadEnded(item.id, send.id, broke, 0))

    def _upload(self, flight: Flight, scope: Scope) -> Upload:
        item, send_id = flight.item, flight.send.id
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
            may_finish=lambda: self._ask_mark(send_id),
            progress=flight.progress,
            stop=flight.stop,
        )

    def _ask_mark(self, send_id: int) -> bool:
        """Ask the loop for the mark; runs in the worker."""
        if threading.get_ident() == self._loop:
            return self._mark(send_id)
        granted = threading.Event()
        answers: list[bool] = []

        def answer(yes: bool) -> None:  # noqa: FBT001 - the one thing it says
            answers.append(yes)
            granted.set()

        self._ctx.inbox.post(MarkWanted(send_id, answer))
        granted.wait(MARK_PATIENCE_S)
        # what the loop grants after this is never acted on: the worker has gone by then,
        # and a mark without a finished body only means that the far side is asked
        return bool(answers) and answers[0]

    def mark_wanted(self, message: MarkWanted) -> None:
        """Record that the last byte may go out now, then say so (rules R1)."""
        message.answer(self._mark(message.send_id))

    def _mark(self, send_id: int) -> bool:
        flight = next((f for f in self._open.flights.values() if f.send.id == send_id), None)
        if flight is None or flight.stop.is_set():
            return False
        try:
            self._ctx.journal.mark_send(send_id, self._ctx.now.wall)
        except DiskFullError as error:
            self._keeper.disk_full(str(error))
            return False
        except JournalError as error:
            self._ctx.log.warning("journal.trouble", detail=str(error))
            return False
        return True

    # --- after ------------------------------------------------------------------------------

    def ended(self, message: UploadEnded) -> None:
        """Record how an attempt ended, before anything else happens to its row."""
        flight = self._open.flights.get(message.item_id)
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
            text = f"the far side named a video that another file has: {error}"
            with self._ctx.journal.transaction():
                self._record(flight, Unknown(text, readable=False), sent)

    def _land(self, flight: Flight) -> None:
        """Free the slot."""
        self._open.flights.pop(flight.item.id, None)
        self._keeper.probing -= flight.probes

    def _settle(self, flight: Flight) -> None:
        """Recording the outcome hit a bug: the mark decides, so that the row does not hang."""
        item = self._ctx.journal.item(flight.item.id)
        if item is not None and item.state is State.UPLOADING:
            text = "How the attempt ended could not be recorded; nothing was accepted."
            settle(self._ctx, item, events.Postponed(text), "it could not be recorded")

    def _record(self, flight: Flight, outcome: Outcome, sent: int) -> None:
        ctx, meaning = self._ctx, meaning_of(outcome)
        event = meaning.event
        ctx.journal.end_send(flight.send.id, ctx.now.wall, meaning.recorded, sent)
        if meaning.account is None or meaning.account.kind is not Refusal.UNREACHABLE:
            self._last_unreachable = None  # it answered: a loss before this is no row of losses
        if meaning.account is not None and self._is_account_trouble(flight, meaning.account):
            event = events.GateRefused(meaning.account.text)
        item = ctx.journal.item(flight.item.id)
        if item is None:
            raise JournalError(f"row {flight.item.id} is not in the journal any more")
        after = ctx.apply(item, event)
        if isinstance(outcome, Unknown) and outcome.readable:
            ctx.readable.add(item.id)
        if isinstance(outcome, Accepted):
            self._accepted(after, flight, outcome)

    def _is_account_trouble(self, flight: Flight, trouble: Trouble) -> bool:
        """Close the account's gate, if it is the account's; a lone lost connection is not yet."""
        if trouble.kind is Refusal.UNREACHABLE:
            last, self._last_unreachable = self._last_unreachable, flight.item.id
            shut = self._keeper.is_closed(GateName.UNREACHABLE)
            if last in (None, flight.item.id) and not shut:
                return False
        per_minute = self._ctx.settings.upload.per_minute
        at_least = 60.0 / per_minute if trouble.kind is Refusal.RATE and per_minute else 0.0
        return self._keeper.trouble(trouble, item_id=flight.item.id, at_least=at_least) is not None

    def _accepted(self, item: Item, flight: Flight, outcome: Accepted) -> None:
        ctx = self._ctx
        self._last_unreachable = None
        self._pace = replace(self._pace, last_acceptance=ctx.now.wall)
        keep_pace(ctx, self._pace)
        ctx.count_paid(item, flight.send.size)
        if outcome.video_name is not None:
            sought = sought_as(flight.send.upload_name, flight.send.size)
            shown = evidence.shows(outcome.video_name, sought)
            ctx.journal.set_meta(NAMES_SHOWN, shown)
        self._keeper.accepted()

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


def linked_elsewhere(journal: Journal, item_id: int, numbers: Iterable[str]) -> frozenset[str]:
    """Which of these videos belong to other rows: they prove nothing for this one (rules R2)."""
    owners = {number: journal.by_video_no(number) for number in numbers}
    return frozenset(
        number for number, owner in owners.items() if owner is not None and owner.id != item_id
    )


def sought_as(name: str, size: int) -> evidence.Sought:
    """What to look for at the far side: an upload of this name and size."""
    stem = stem_of(name)
    return evidence.Sought(stem, size, token_of(stem))
