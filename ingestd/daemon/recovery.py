"""What the last run left half done: the mark on disk decides (rules R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.lifecycle import events
from ingestd.model import State

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.model import Item


def recover(ctx: Context) -> None:
    """Settle every attempt that has no end on disk."""
    for item in ctx.journal.in_state(State.UPLOADING):
        text = "The last run ended before the file was sent whole: it is sent again."
        settle(ctx, item, events.Postponed(text, after=0.0), "ingestd was stopped")


def settle(ctx: Context, item: Item, unsent: events.Postponed, why: str) -> None:
    """Give an attempt the end that its mark says.

    Args:
        ctx: the loop's surroundings.
        item: a row that is uploading.
        unsent: what it means if the mark was not granted.
        why: why nothing better is known, if it was.
    """
    send = ctx.journal.last_send(item.id)
    with ctx.journal.transaction():
        if send is not None and send.marked_at is not None:
            ctx.journal.end_send(send.id, ctx.now.wall, "unknown")
            ctx.apply(item, events.OutcomeUnknown(why, readable=False))
        else:
            if send is not None:
                ctx.journal.end_send(send.id, ctx.now.wall, "not_sent")
            ctx.apply(item, unsent)
