"""What people ask for makes of a row (rules R3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.lifecycle.policy import Decision
from ingestd.model import State

if TYPE_CHECKING:
    from ingestd.lifecycle.events import Wanted
    from ingestd.lifecycle.policy import Policy
    from ingestd.model import Item

S = State


def wanted(item: Item, event: Wanted, now: float, policy: Policy, spread: float) -> Decision:
    """A person said go on: follow what is paid, queue what is not (rules R3)."""
    del spread
    if item.video_no is not None:
        after = replace(
            item,
            state=S.INDEXING,
            reason=None,
            detail="Followed again; it is not uploaded again.",
            delay=policy.poll_min,
            next_attempt_at=now,
            asked_s=0.0,
            asks=0,
        )
        return Decision(after, "file.followed_again")
    after = replace(
        item,
        state=S.QUEUED,
        reason=None,
        detail="Queued again by hand.",
        attempts=0,
        delay=0.0,
        queued_at=now,
        next_attempt_at=now,
        pay_again=event.pay_again,
    )
    return Decision(after, "file.queued", "by hand, to be paid again" if event.pay_again else None)
