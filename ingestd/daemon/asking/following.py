"""Following the indexing of what the far side has, until its status is final (rules R3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.daemon.asking import jobs
from ingestd.daemon.asking.lane import LANE
from ingestd.daemon.asking.ours import (
    learn_lateness,
    learn_listed,
    learn_name,
    learn_scope,
    sought_as,
)
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.messages import Polled
from ingestd.evidence import shows
from ingestd.follow import plan_polls
from ingestd.lifecycle import events
from ingestd.model import Scope, State
from ingestd.remote.contract import Refusal, Trouble

if TYPE_CHECKING:
    from ingestd.daemon.asking.lane import Asking
    from ingestd.follow import Poll
    from ingestd.model import Item, Video

#: States in which an answer about the indexing means something.
FOLLOWED = frozenset({State.INDEXING, State.FAILED})
#: Rows due within this time are asked for together, seconds.
TOGETHER_S = 1.0
#: Rows planned at once.
MOST_DUE = 1000


class Following:
    """The desk that follows indexing rows until their status is final."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._under_way: set[int] = set()
        self._one_by_one: set[int] = set()
        self._asked_with = 0

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
        self._asked_with = self._asking.keys
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
        if self._asked_with != asking.keys:  # what they are in another account says nothing
            for item_id in ids:
                asking.stretches.broke(item_id)
            return
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
        self._learn(item, video, in_list=in_list)
        spent = self._asking.stretches.spent(item.id, ctx.now.mono)
        read = (
            events.StatusRead("", spent)
            if video is None
            else events.StatusRead(video.status, spent, video.cause, video.duration_s)
        )
        after = ctx.apply(item, read)
        if after.state is not State.INDEXING:
            self._one_by_one.discard(item.id)
            self._asking.stretches.broke(item.id)

    def _learn(self, item: Item, video: Video | None, *, in_list: bool) -> None:
        """Take what an upload of ours tells of the far side.

        A video that a person linked may be anybody's: its name would say that names are hashes, its
        place that this is the right scope, and other people's videos would pass for ours by that.
        """
        ctx, name = self._asking.ctx, item.upload_name
        send = ctx.journal.last_send(item.id)
        accepted = send is not None and send.outcome == "accepted"
        if video is None:
            if accepted and not in_list and item.state is State.INDEXING:
                learn_lateness(ctx, item)
            return
        if name is None or not (accepted or shows(video.name, sought_as(name, 0))):
            return
        learn_name(ctx, name, video.name)
        if in_list:
            learn_scope(ctx, item.scope or "")
