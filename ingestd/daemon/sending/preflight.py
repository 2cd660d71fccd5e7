"""The question before an upload: is it there already, and what is the newest row (rules R2)?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd import evidence, fields
from ingestd.daemon.asking import found, jobs
from ingestd.daemon.asking.ours import (
    how_known,
    is_lookalikes,
    is_of,
    linked_elsewhere,
    lost_was_found,
    sought_as,
    what_is_shown,
)
from ingestd.daemon.messages import Prepared
from ingestd.lifecycle import events
from ingestd.model import Reason, State
from ingestd.naming import stem_of, upload_name
from ingestd.remote.contract import Refusal, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.assurance.desk import Assurance
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.daemon.sending.limiter import Limiter
    from ingestd.model import GateName, Item, Scope, Video

LANE = "upload"
#: A watermark this old still serves: an older one only makes a search longer, seconds.
WATERMARK_S = 60.0
#: Before a first attempt of a body of this size its name is looked for (rules R2) ...
LOOK_FIRST_SIZE = 8 << 20
#: ... and of any size while the journal knows of so few paid videos, or adopted one lately: then
#: it may be younger than the library, or share it with another machine.
YOUNG_JOURNAL = 100
#: Meta key: up to how many paid videos every name is looked for.
LOOK_UNTIL = "look_until"
#: How long a row rests whose preflight brought no answer, seconds; its gate decides beyond that.
REST_S = 5.0


@dataclass(slots=True)
class Preflight:
    """An attempt that is being prepared; its row is still queued."""

    item: Item
    scope: Scope
    name: str  # the upload name
    probes: frozenset[GateName]
    looked: bool = False  # its name was looked for
    asked_with: int = 0  # which key it was asked with


@dataclass(slots=True)
class _Watermark:
    create_time: float | None
    read_at: float  # monotonic


class Preflights:
    """The desk that asks before anything is sent."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        assurance: Assurance,
        limiter: Limiter,
        start: Callable[[Preflight, float | None], None],
    ) -> None:
        """Take the desk; `start` begins the attempt itself, with the watermark that was read."""
        self._ctx, self._keeper, self._asking = ctx, keeper, assurance.asking
        self._assurance, self._strangers = assurance, assurance.strangers
        self._limiter, self._start = limiter, start
        self.open: dict[int, Preflight] = {}
        self._watermarks: dict[tuple[int, str], _Watermark] = {}

    def begin(self, item: Item, probes: frozenset[GateName]) -> None:
        """Begin an attempt: ask the far side first where the rules say so, else start."""
        self._keeper.probing |= probes
        self._limiter.reserve()
        scope = fields.scope_of(item.fields, self._ctx.settings.api.scope.value)
        token = self._ctx.settings.upload.name_token
        flight = Preflight(
            item, scope, upload_name(item.path, item.fingerprint or "", token=token), probes
        )
        self.open[item.id] = flight
        try:
            self._decide(flight)
        except Exception:
            self._drop(flight)  # what cannot be recorded gives its slot back
            raise

    def _decide(self, flight: Preflight) -> None:
        journal, item, scope = self._ctx.journal, flight.item, flight.scope
        if item.account != journal.account:  # it goes to the one that is in use now
            moved = replace(item, account=journal.account)
            flight.item = item = journal.revise(item, moved, self._ctx.now.wall)
        if found.is_known(self._ctx, item, flight.name, scope):
            self._drop(flight)
        elif self._knows_newest(scope) and not self._looks_first(item, scope):
            self._start_now(flight)
        else:
            self._ask(flight)

    def _ask(self, flight: Preflight) -> None:
        far, scope, item_id = self._ctx.far, flight.scope, flight.item.id
        stem = None
        if self._looks_first(flight.item, scope):
            stem = stem_of(self._sent_as(flight))
        flight.looked, flight.asked_with = stem is not None, self._asking.keys
        rows = None
        if not self._knows_newest(scope):
            rows = 1 if self._strangers.is_judged(str(scope)) else jobs.PAGE
        broke = Prepared(item_id, Trouble(Refusal.GARBLED, "the preflight broke"))
        self._ctx.workers.submit(
            LANE, lambda: jobs.prepare(far, item_id, scope, stem, rows=rows), broke
        )

    def _sent_as(self, flight: Preflight) -> str:
        """Under which name an attempt before may have arrived; its file may have another by now."""
        send = self._ctx.journal.last_send(flight.item.id)
        return flight.name if send is None or not is_of(send, flight.item) else send.upload_name

    def rests_until(self, item: Item) -> float | None:
        """When the question before this upload may be asked, monotonic; None: now, or none is."""
        scope = fields.scope_of(item.fields, self._ctx.settings.api.scope.value)
        if self._asking.pause_until <= self._ctx.now.mono:
            return None
        asks = self._looks_first(item, scope) or not self._knows_newest(scope)
        return self._asking.pause_until if asks else None

    def _place(self, scope: Scope) -> tuple[int, str]:
        return self._ctx.journal.account, str(scope)

    def _knows_newest(self, scope: Scope) -> bool:
        mark = self._watermarks.get(self._place(scope))
        return mark is not None and self._ctx.now.mono - mark.read_at < WATERMARK_S

    def _looks_first(self, item: Item, scope: Scope) -> bool:
        if item.pay_again and not item.attempts:
            return False
        if item.attempts or self._ctx.journal.last_send(item.id) is not None:
            return True
        size = item.stat.size if item.stat else 0
        if size >= LOOK_FIRST_SIZE or self._strangers.are_in(str(scope)):
            return True
        return self._paid() < self._look_until()

    def _paid(self) -> int:
        counts = self._ctx.journal.counts()
        return counts[State.PARSED] + counts[State.INDEXING]

    def _look_until(self) -> int:
        kept = self._ctx.journal.meta(LOOK_UNTIL)
        return kept if isinstance(kept, int) else YOUNG_JOURNAL

    def prepared(self, message: Prepared) -> None:
        """Go on after the preflight: adopt what is there already, start, or rest."""
        flight = self.open.get(message.item_id)
        if flight is None:
            return
        if flight.asked_with != self._asking.keys:
            self._drop(flight)  # the answer may be of another account
            return
        try:
            self._go_on(flight, message)
        except Exception:
            self._drop(flight)  # its slot is not lost for it
            raise

    def _go_on(self, flight: Preflight, message: Prepared) -> None:
        if message.trouble is not None:
            self._preflight_failed(flight, message.trouble)
            return
        self._asking.answered()
        if message.watermark_read:
            read = _Watermark(message.watermark, self._ctx.now.mono)
            self._watermarks[self._place(flight.scope)] = read
        if message.newest is not None:
            self._strangers.judge(str(flight.scope), message.newest)
            self._assurance.settle()
        item = self._ctx.journal.item(message.item_id)
        if item is None or item.state is not State.QUEUED or self._ctx.stopping:
            self._drop(flight)
            return
        if any(gate.name not in flight.probes for gate in self._keeper.closed):
            self._drop(flight)  # it closed while the far side was asked
            return
        flight.item = item
        if self._adopted(flight, message):
            return
        if not flight.looked and self._looks_first(item, flight.scope):
            self._ask(flight)  # the first page says that the journal may lack it
        else:
            self._start_now(flight)

    def _preflight_failed(self, flight: Preflight, trouble: Trouble) -> None:
        self._drop(flight)
        # 0001 on a read is the far side's catch-all for its own troubles (contract 5.3)
        lost = trouble.kind in (Refusal.GARBLED, Refusal.FILE)
        kind = Refusal.UNREACHABLE if lost else trouble.kind
        self._asking.failed(replace(trouble, kind=kind), [])
        item = self._ctx.journal.item(flight.item.id)
        if item is not None and item.state is State.QUEUED:
            rest = replace(item, next_attempt_at=self._ctx.now.wall + REST_S)
            self._ctx.journal.revise(item, rest, self._ctx.now.wall)

    def _adopted(self, flight: Preflight, message: Prepared) -> bool:
        item = flight.item
        if not message.seen or item.stat is None:
            return False
        sought = sought_as(self._sent_as(flight), item.stat.size)
        numbers = [one.video_no for one in message.seen]
        linked = linked_elsewhere(self._ctx.journal, item.id, numbers)
        shown = what_is_shown(self._ctx)
        video = evidence.weigh(sought, message.seen, linked, shown).video
        if video is None:
            return False
        if self._is_doubtful(item, video):
            return self._held(flight, video)
        detail = "memories.ai had it already: nothing was sent and nothing is paid again."
        detail += how_known(video)
        with self._ctx.journal.transaction():
            lost_was_found(self._ctx, item)
            claimed = self._ctx.apply(item, events.Claimed(flight.name, str(flight.scope)))
            taken = events.TakenIn(video.video_no, None, "found", detail)
            self._ctx.apply(claimed, taken)
            # what one video proves holds for its neighbours: go on looking before each upload
            self._ctx.journal.set_meta(LOOK_UNTIL, self._paid() + YOUNG_JOURNAL)
        self._drop(flight)
        return True

    def _is_doubtful(self, item: Item, video: Video) -> bool:
        """Tell whether a video may be another one, or a person said that it is."""
        if is_lookalikes(self._ctx, item):
            return True
        said = Reason.UNCONFIRMED in item.approved and self._ctx.journal.last_send(item.id) is None
        return said and video.size is None

    def _held(self, flight: Preflight, video: Video) -> bool:
        """Leave it to a person, once; False: one said that it is to be sent."""
        item = flight.item
        if Reason.UNCONFIRMED in item.approved:
            return False
        detail = (
            f"memories.ai has {video.video_no} ({video.name}), which may be this file or another "
            "one that looks the same and whose answer was lost. Look at it there. If it is this "
            f"one: ingestd link {item.id} {video.video_no}. If not: ingestd approve {item.id}"
        )
        self._ctx.apply(item, events.Judged(State.HELD, Reason.UNCONFIRMED, detail))
        self._drop(flight)
        return True

    def _start_now(self, flight: Preflight) -> None:
        mark = self._watermarks.get(self._place(flight.scope))
        self._start(flight, mark.create_time if mark else None)
        del self.open[flight.item.id]

    def _drop(self, flight: Preflight) -> None:
        self.open.pop(flight.item.id, None)
        self._keeper.probing -= flight.probes
        self._limiter.release()
