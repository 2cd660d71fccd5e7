"""What looking for a lost upload makes of a row (rules R2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.lifecycle.policy import Decision, grown
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from ingestd.lifecycle.events import LookFailed, NotFound
    from ingestd.lifecycle.policy import Policy
    from ingestd.model import Item

S = State

#: An answer that could be read: three looks over this many seconds suffice (rules R1).
READABLE_CONFIRM_S = 30.0
READABLE_LOOKS = 3
#: Looks that an unreadable end needs at least (rules R2).
CONFIRM_LOOKS = 5
#: Candidates that are named to a person.
NAMED = 5


def not_found(item: Item, event: NotFound, now: float, policy: Policy, spread: float) -> Decision:
    """A complete look without evidence: look on, send again, or hold (rules R2)."""
    asks, asked = item.asks + 1, item.asked_s + event.spent
    looks, span = CONFIRM_LOOKS, policy.confirm_for
    if event.readable:
        looks = READABLE_LOOKS
        # a far side that was seen to show uploads late is given that time (and as much again)
        span = max(READABLE_CONFIRM_S, min(2 * event.shown_late, policy.confirm_for))
    if asks < looks or asked < span:
        delay = min(grown(item.delay, policy.poll_min, policy.poll_max), max(span / looks, 1.0))
        after = replace(
            item, asks=asks, asked_s=asked, delay=delay, next_attempt_at=now + delay * spread
        )
        return Decision(after, None)
    counted = item.attempts - event.limited  # what the account's limit refused burns none (R7)
    if not (event.proven and policy.resend) or counted >= policy.max_attempts:
        detail = _held_because(item, event, asks)
        after = replace(
            item,
            state=S.HELD,
            reason=Reason.UNCONFIRMED,
            detail=detail,
            next_attempt_at=None,
            asks=asks,
            asked_s=asked,
        )
        return Decision(after, "confirm.held", detail)
    delay = grown(0.0, policy.retry_min, policy.retry_max)
    name = "confirm.limited" if event.limited else "confirm.not_found"
    detail = f"Not found by {asks} looks over {asked:.0f} s: it did not arrive and is sent again."
    if event.limited:
        detail += " Its answer spoke of a limit: the attempt does not count."
    after = replace(
        item,
        state=S.QUEUED,
        detail=detail,
        attempts=counted,
        delay=delay,
        next_attempt_at=now + delay * spread,
        asks=asks,  # kept: should the file go away, its row says that it was asked for
        asked_s=asked,
    )
    return Decision(after, name, detail)


def _held_because(item: Item, event: NotFound, asks: int) -> str:
    found = "did not find it" if event.proven else "could not tell whether the video arrived"
    could_be = f" It could be {', '.join(event.candidates[:NAMED])}." if event.candidates else ""
    return (
        f"An upload's answer was lost and {asks} looks {found}. It may have been billed, so it is "
        f"not sent again by itself.{could_be} Look for it at memories.ai. If it is there: "
        f"ingestd link {item.id} VIDEO_NO; if not: ingestd approve {item.id}"
    )


def look_failed(
    item: Item, event: LookFailed, now: float, policy: Policy, spread: float
) -> Decision:
    """A look without an answer spends nothing."""
    del event
    delay = grown(item.delay, policy.poll_min, policy.poll_max)
    return Decision(replace(item, delay=delay, next_attempt_at=now + delay * spread), None)
