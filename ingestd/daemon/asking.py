"""Asking the far side about rows it has, or may have: following the indexing, finding lost uploads.

Both desks share one lane, so that they ask one question at a time, and one memory of when each row
was last answered: only time between two answered questions counts (rules R2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd import evidence
from ingestd.daemon import jobs
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.messages import LookEnded, Polled
from ingestd.daemon.ours import (
    learn_lateness,
    learn_listed,
    learn_name,
    learn_scope,
    linked_elsewhere,
    scopes_seen,
    shown_late,
    sought_as,
    what_is_shown,
)
from ingestd.follow import plan_polls
from ingestd.lifecycle import events
from ingestd.model import GateName, Scope, State
from ingestd.remote.contract import Refusal, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.gatekeeper import Gatekeeper
    from ingestd.follow import Poll
    from ingestd.model import Item, Send, Video

LANE = "ask"
#: States in which an answer about the indexing means something.
FOLLOWED = frozenset({State.INDEXING, State.FAILED})
#: Rows due within this time are asked for together, seconds.
TOGETHER_S = 1.0
#: Rows planned at once.
MOST_DUE = 1000
#: Shortest and longest pause of all questions after a 0429 on one of them, seconds.
SLOW_MIN_S, SLOW_MAX_S = 2.0, 300.0
#: A row that is due and cannot be read hides when the next one is: looked again after seconds.
UNREADABLE_S = 60.0
#: A question answered longer ago than this says nothing about the time between, seconds.
LONGEST_STRETCH_S = 900.0


class Stretches:
    """Monotonic time between answered questions, per row."""

    def __init__(self) -> None:
        self._answered: dict[int, float] = {}

    def spent(self, item_id: int, mono: float) -> float:
        """Count the time since the last answer; an outage or a pause in between counts nothing."""
        before = self._answered.get(item_id)
        self._answered[item_id] = mono
        return 0.0 if before is None else min(mono - before, LONGEST_STRETCH_S)

    def broke(self, item_id: int) -> None:
        """A question went unanswered: the stretch ends."""
        self._answered.pop(item_id, None)


class Asking:
    """What the two desks below share: the lane, the pause after a 0429, the stretches."""

    def __init__(self, ctx: Context, keeper: Gatekeeper) -> None:
        self.ctx, self.keeper = ctx, keeper
        self.stretches = Stretches()
        self.pause_until = 0.0  # monotonic
        self.may_ask: Callable[[], bool] = lambda: True  # is the key of the account that we know?
        self._pause = 0.0

    def rests_until(self) -> float | None:
        """Until when nothing is asked, monotonic; None: questions may be asked now.

        An answer that cannot be written down is asked for in vain: a full disk stops this too.
        """
        until = self.pause_until
        if not self.may_ask():  # an answer about a video says nothing; what changes that wakes
            until = max(until, self.ctx.now.mono + UNREADABLE_S)
        full = self.keeper.closed_until(GateName.DISK_FULL)
        if full is not None:
            until = max(until, self.ctx.mono(full))
        return until if until > self.ctx.now.mono else None

    def failed(self, trouble: Trouble, item_ids: list[int]) -> None:
        """A question brought no answer: note what it says about the account and the pace."""
        for item_id in item_ids:
            self.stretches.broke(item_id)
        if trouble.kind is Refusal.RATE:
            self._pause = min(SLOW_MAX_S, max(SLOW_MIN_S, self._pause * 2))
            wait = max(self._pause, trouble.retry_after or 0.0)
            self.pause_until = self.ctx.now.mono + wait
            self.ctx.log.warning("api.slowed", seconds=wait, detail=trouble.text)
        else:
            self.keeper.trouble(trouble)

    def next_due(self, *states: State) -> float | None:
        """When a row of these states is due, monotonic; to be asked if nothing is due now."""
        dues = (self.ctx.journal.next_due(state) for state in states)
        due = min((due for due in dues if due is not None), default=None)
        if due is None:
            return None
        if due <= self.ctx.now.wall:  # a damaged row, which nobody can ask about
            return self.ctx.now.mono + UNREADABLE_S
        return self.ctx.mono(due)

    def answered(self) -> None:
        """A question was answered."""
        self._pause = 0.0
        self.keeper.answered()


class Following:
    """The desk that follows indexing rows until their status is final."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._under_way: set[int] = set()
        self._one_by_one: set[int] = set()

    def tick(self) -> float | None:
        """Ask about what is due; say when to come again (monotonic)."""
        asking, ctx = self._asking, self._asking.ctx
        if self._under_way or ctx.stopping:
            return None
        rests = asking.rests_until()
        if rests is not None:
            return rests
        if not self._due(ctx.now.wall):
            return self._next_due()
        for poll in plan_polls(self._due(ctx.now.wall + TOGETHER_S), frozenset(self._one_by_one)):
            self._ask(poll)
        return None

    def _ask(self, poll: Poll) -> None:
        self._under_way |= {item.id for item in poll.items}
        ctx, scope = self._asking.ctx, Scope.parse(poll.scope)
        broke = Polled(poll, {}, Trouble(Refusal.GARBLED, "the question broke"))
        ctx.workers.submit(LANE, lambda: jobs.poll(ctx.far, poll, scope), broke)

    def _due(self, wall: float) -> list[Item]:
        journal = self._asking.ctx.journal
        late = journal.due(State.FAILED, wall, MOST_DUE)  # past their deadline: asked daily
        return [*journal.due(State.INDEXING, wall, MOST_DUE), *late]

    def _next_due(self) -> float | None:
        return self._asking.next_due(State.INDEXING, State.FAILED)

    def polled(self, message: Polled) -> None:
        """Record what the far side said about each row."""
        try:
            self._record(message)
        except NOT_NOW:
            raise  # handed in again: until then nobody asks about these rows
        except Exception:
            self._under_way.difference_update(item.id for item in message.poll.items)
            raise
        self._under_way.difference_update(item.id for item in message.poll.items)

    def _record(self, message: Polled) -> None:
        asking, ctx = self._asking, self._asking.ctx
        ids = [item.id for item in message.poll.items]
        if message.trouble is not None:
            asking.failed(message.trouble, ids)
        else:
            asking.answered()
            if not message.poll.single:
                learn_listed(ctx, message.videos.values())
        for item_id in ids:
            item = ctx.journal.item(item_id)
            if item is None or item.video_no is None or item.state not in FOLLOWED:
                continue
            if message.trouble is not None:
                if item.state is State.INDEXING:
                    ctx.apply(item, events.LookFailed(message.trouble.text))
                else:
                    self._tomorrow(item)
            else:
                self._read(item, message.videos.get(item.video_no), in_list=not message.poll.single)

    def _tomorrow(self, item: Item) -> None:
        ctx = self._asking.ctx
        later = replace(item, next_attempt_at=ctx.now.wall + 3600.0)
        ctx.journal.revise(item, later, ctx.now.wall)

    def _read(self, item: Item, video: Video | None, *, in_list: bool) -> None:
        ctx = self._asking.ctx
        if video is None and in_list:
            self._one_by_one.add(item.id)  # a list may hide what metadata shows
        if video is not None and in_list:
            self._one_by_one.discard(item.id)
            learn_scope(ctx, item.scope or "")
        if video is None and not in_list and item.state is State.INDEXING:
            learn_lateness(ctx, item)
        spent = self._asking.stretches.spent(item.id, ctx.now.mono)
        read = (
            events.StatusRead("", spent)
            if video is None
            else events.StatusRead(video.status, spent, video.cause, video.duration_s)
        )
        if video is not None and item.upload_name is not None:
            learn_name(ctx, item.upload_name, video.name)
        after = ctx.apply(item, read)
        if after.state is not State.INDEXING:
            self._one_by_one.discard(item.id)
            self._asking.stretches.broke(item.id)


class Confirming:
    """The desk that finds out what became of uploads whose answers were lost."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._under_way: int | None = None

    def tick(self) -> float | None:
        """Look for what is due, one row at a time; say when to come again (monotonic)."""
        asking, ctx = self._asking, self._asking.ctx
        if self._under_way is not None or ctx.stopping:
            return None
        rests = asking.rests_until()
        if rests is not None:
            return rests
        for item in ctx.journal.due(State.CONFIRMING, ctx.now.wall, 1):
            send = ctx.journal.last_send(item.id)
            if send is not None and item.stat is not None:
                self._look(item, send)
                return None
        return asking.next_due(State.CONFIRMING)

    def _look(self, item: Item, send: Send) -> None:
        ctx, far = self._asking.ctx, self._asking.ctx.far
        sought, shown = _sought(send), what_is_shown(ctx)
        self._under_way = item.id
        nobody: frozenset[str] = frozenset()
        wanted = jobs.Search(
            item.id,
            send.id,
            Scope.parse(send.scope),
            sought.stem,
            send.watermark,
            everywhere=send.scope not in scopes_seen(ctx),
            found=lambda videos: evidence.weigh(sought, videos, nobody, shown).video is not None,
        )
        broke = LookEnded(item.id, send.id, (), Trouble(Refusal.GARBLED, "the look broke"))
        ctx.workers.submit(LANE, lambda: jobs.search(far, wanted), broke)

    def looked(self, message: LookEnded) -> None:
        """Record what the look brought."""
        try:
            self._record(message)
        except NOT_NOW:
            raise  # handed in again: until then nobody looks for this row
        except Exception:
            self._under_way = None
            raise
        self._under_way = None

    def _record(self, message: LookEnded) -> None:
        asking, ctx = self._asking, self._asking.ctx
        item, send = ctx.journal.item(message.item_id), ctx.journal.last_send(message.item_id)
        if item is None or send is None or item.state is not State.CONFIRMING:
            return
        if message.trouble is not None:
            asking.failed(message.trouble, [item.id])
            ctx.apply(item, events.LookFailed(message.trouble.text))
            return
        asking.answered()
        self._weigh(item, send, message)

    def _weigh(self, item: Item, send: Send, look: LookEnded) -> None:
        ctx, videos = self._asking.ctx, look.videos
        learn_listed(ctx, videos)
        linked = linked_elsewhere(ctx.journal, item.id, [video.video_no for video in videos])
        rivals = ctx.journal.unresolved_sizes(held=True)
        rivals.pop(item.id, None)
        weighed = evidence.weigh(_sought(send), videos, linked, what_is_shown(ctx), rivals.values())
        found = weighed.video
        if found is not None and not self._is_rivals(item, found, look, frozenset(rivals)):
            self._found(item, send, found.video_no, weighed.others)
            return
        event = events.NotFound(
            spent=self._asking.stretches.spent(item.id, ctx.now.mono),
            readable=item.id in ctx.readable,
            proven=weighed.absent,
            candidates=(found.video_no,) if found else weighed.candidates,
            shown_late=shown_late(ctx),
        )
        with ctx.journal.transaction():
            after = ctx.apply(item, event)
            if after.state is not State.CONFIRMING:
                self._asking.stretches.broke(item.id)
                ctx.readable.discard(item.id)
            if after.state is State.QUEUED:
                ctx.journal.end_send(send.id, ctx.now.wall, "not_found")

    def _is_rivals(self, item: Item, found: Video, look: LookEnded, rivals: frozenset[int]) -> bool:
        """Tell whether a video outside the attempt's scope may be another row's lost upload.

        Both have the same sample, and so the same token: only their scopes tell them apart.
        """
        if found.video_no not in look.elsewhere or item.stat is None:
            return False
        same = self._asking.ctx.journal.same_content(item.stat.size, item.fingerprint or "")
        return any(row.id in rivals for row in same)

    def _found(self, item: Item, send: Send, video_no: str, others: tuple[str, ...]) -> None:
        ctx = self._asking.ctx
        detail = "The lost answer's video was found: nothing is sent again."
        if others:
            detail += f" It was paid more than once; also there: {', '.join(others)}."
        with ctx.journal.transaction():
            ctx.count_paid(item, send.size)
            ctx.journal.end_send(send.id, ctx.now.wall, "found")
            ctx.apply(item, events.TakenIn(video_no, None, "found", detail))
        self._asking.stretches.broke(item.id)


def _sought(send: Send) -> evidence.Sought:
    return replace(sought_as(send.upload_name, send.size), since=send.watermark)
