"""Finding out what became of uploads whose answers were lost (rules R2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd import evidence
from ingestd.daemon.asking import jobs
from ingestd.daemon.asking.lane import LANE
from ingestd.daemon.asking.ours import (
    how_known,
    is_lookalikes,
    learn_listed,
    linked_elsewhere,
    scopes_seen,
    shown_late,
    sought_as,
    what_is_shown,
)
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.messages import LookEnded
from ingestd.lifecycle import events
from ingestd.model import Scope, State
from ingestd.naming import stem_of, token_of
from ingestd.remote.contract import Refusal, Trouble

if TYPE_CHECKING:
    from ingestd.daemon.asking.lane import Asking
    from ingestd.model import Item, Send, Video

#: Why an answer says nothing.
ANOTHER_KEY = (
    "The key was changed while memories.ai was asked: that answer may be another account's and "
    "does not count. It is asked again by itself."
)


class Confirming:
    """The desk that finds out what became of uploads whose answers were lost."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._under_way: int | None = None
        self._asked_with = 0

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
        self._under_way, self._asked_with = item.id, self._asking.keys
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
        if self._asked_with != asking.keys:
            asking.stretches.broke(item.id)
            ctx.apply(item, events.LookFailed(ANOTHER_KEY))
            return
        asking.answered()
        self._weigh(item, send, message)

    def _weigh(self, item: Item, send: Send, look: LookEnded) -> None:
        ctx, videos = self._asking.ctx, look.videos
        learn_listed(ctx, videos)
        linked = linked_elsewhere(ctx.journal, item.id, [video.video_no for video in videos])
        rivals = [one for one in ctx.journal.unresolved_sizes() if one[0] != item.id]
        sizes, rows = {size for _, size in rivals}, frozenset(row for row, _ in rivals)
        weighed = evidence.weigh(_sought(send), videos, linked, what_is_shown(ctx), sizes)
        found = weighed.video
        if found is not None and is_lookalikes(ctx, item):
            weighed, found = replace(weighed, absent=False, candidates=(found.video_no,)), None
        if found is not None and not self._is_rivals(item, found, look, rows):
            self._found(item, send, found, weighed.others)
            return
        event = events.NotFound(
            spent=self._asking.stretches.spent(item.id, ctx.now.mono),
            readable=item.id in ctx.readable,
            limited=item.id in ctx.limited,
            proven=weighed.absent,
            candidates=(found.video_no,) if found else weighed.candidates,
            shown_late=shown_late(ctx),
        )
        with ctx.journal.transaction():
            after = ctx.apply(item, event)
            if after.state is not State.CONFIRMING:
                self._asking.stretches.broke(item.id)
                ctx.readable.discard(item.id)
                ctx.limited.discard(item.id)
            if after.state is State.QUEUED:
                ctx.journal.end_send(send.id, ctx.now.wall, "not_found")

    def _is_rivals(self, item: Item, found: Video, look: LookEnded, rivals: frozenset[int]) -> bool:
        """Tell whether a video outside the attempt's scope may be another one.

        By its size alone it may be anybody's: the watermark is of the attempt's scope only. By its
        name it may be the lost upload of another row with the same sample, and so the same token:
        only their scopes tell them apart.
        """
        if found.video_no not in look.elsewhere or item.stat is None:
            return False
        if token_of(stem_of(found.name or "")) is None:
            return True
        same = self._asking.ctx.journal.same_content(item.stat.size, item.fingerprint or "")
        return any(row.id in rivals for row in same)

    def _found(self, item: Item, send: Send, video: Video, others: tuple[str, ...]) -> None:
        ctx = self._asking.ctx
        detail = "The lost answer's video was found: nothing is sent again."
        if others:
            detail += f" It was paid more than once; also there: {', '.join(others)}."
        detail += how_known(video)
        with ctx.journal.transaction():
            ctx.count_paid(item, send.size)
            ctx.journal.end_send(send.id, ctx.now.wall, "found")
            ctx.apply(item, events.TakenIn(video.video_no, None, "found", detail))
        self._asking.stretches.broke(item.id)


def _sought(send: Send) -> evidence.Sought:
    return replace(sought_as(send.upload_name, send.size), since=send.watermark)
