"""What the far side's word on the indexing makes of a row (rules R3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.lifecycle.policy import Decision
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from ingestd.lifecycle.events import StatusRead
    from ingestd.lifecycle.policy import Policy
    from ingestd.model import Item

S = State

DAY = 86_400.0
STATUS_READY = frozenset({"PARSE"})
STATUS_FAILED = frozenset({"FAIL", "FAILED", "PARSE_ERROR", "ERROR"})


def status_read(
    item: Item, event: StatusRead, now: float, policy: Policy, spread: float
) -> Decision:
    """How far the indexing is; time counts between answered questions only (rules R2)."""
    duration = event.duration_s or item.duration_s
    if event.status in STATUS_READY:
        after = replace(
            item,
            state=S.PARSED,
            reason=None,
            detail=None,
            parsed_at=now,
            next_attempt_at=None,
            duration_s=duration,
        )
        return Decision(after, "index.parsed")
    if event.status in STATUS_FAILED:
        return _indexing_failed(item, event, now)
    asked = item.asked_s + event.spent
    if item.state is S.FAILED:  # after the deadline: still asked daily
        due = now + DAY if asked < policy.deadline + policy.late_asks_for else None
        return Decision(replace(item, asked_s=asked + DAY, next_attempt_at=due), None)
    if asked >= policy.deadline:
        hours = asked / 3600
        detail = (
            f"Uploaded and billed, but not searchable after {hours:.0f} h. It is asked for once a"
            " day for 30 days; it is not uploaded again. Ask memories.ai about "
            f"{item.video_no}."
        )
        after = replace(
            item,
            state=S.FAILED,
            reason=Reason.INDEXING_DEADLINE,
            detail=detail,
            asked_s=asked,
            next_attempt_at=now + DAY,
        )
        return Decision(after, "index.deadline", detail)
    delay = min(policy.poll_max, max(policy.poll_min, item.delay * 1.5))
    after = replace(
        item,
        asks=item.asks + 1,
        asked_s=asked,
        delay=delay,
        next_attempt_at=now + delay * spread,
    )
    return Decision(after, None)


def _indexing_failed(item: Item, event: StatusRead, now: float) -> Decision:
    del now
    cause = f": {event.cause}" if event.cause else ""
    detail = (
        f"Uploaded and billed, but memories.ai could not index it ({event.status}{cause}). It is"
        f" not sent again by itself. Play the file; then, to pay again: ingestd retry --pay-again"
        f" {item.id}"
    )
    if item.state is S.FAILED and item.reason is Reason.INDEXING_FAILED:
        return Decision(replace(item, next_attempt_at=None), None)
    after = replace(
        item,
        state=S.FAILED,
        reason=Reason.INDEXING_FAILED,
        detail=detail,
        next_attempt_at=None,
    )
    if item.state is S.FAILED:  # it was past its deadline: the same state with a better reason
        return Decision(after, None)
    return Decision(after, "index.failed", event.cause)
