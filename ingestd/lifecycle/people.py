"""What people ask for makes of a row (rules R3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.lifecycle.policy import Decision
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from ingestd.lifecycle.events import Approved, LeftBehind, Skipped, Wanted
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


def approval(item: Item) -> tuple[Reason, ...]:
    """What a row is approved for once a person said yes to it as it stands.

    Always for the guard too (as `surge`): what a person approved is not held by it again.
    """
    said = {*item.approved, Reason.SURGE, *([item.reason] if item.reason else [])}
    return tuple(sorted(said))


def approved(item: Item, event: Approved, now: float, policy: Policy, spread: float) -> Decision:
    """A person said yes: what was held or skipped goes (interface 3, `approve`)."""
    del event, policy, spread
    doubtful = item.reason is Reason.UNCONFIRMED
    detail = "Approved by hand."
    if doubtful:
        detail += " An attempt before may have arrived: it may be paid for twice."
    after = replace(
        item,
        state=S.QUEUED,
        reason=None,
        detail=detail,
        attempts=1 if doubtful else 0,  # it is looked for first, as before any second attempt
        delay=0.0,
        queued_at=now,
        next_attempt_at=now,
        approved=approval(item),
    )
    return Decision(after, "file.approved", detail)


def skipped(item: Item, event: Skipped, now: float, policy: Policy, spread: float) -> Decision:
    """A person said no: known, not to be uploaded; its content counts as known (rules R3)."""
    del event, now, policy, spread
    paid = f" Video {item.video_no} stays paid for." if item.video_no else ""
    if item.reason is Reason.UNCONFIRMED:
        paid = " Its earlier attempt may have arrived and be paid for."
    detail = (
        f"Skipped by hand: it is not uploaded, nor is a copy of it.{paid} To take it after all: "
        f"ingestd approve {item.id}"
    )
    after = replace(
        item,
        state=S.SKIPPED,
        reason=None,
        detail=detail,
        next_attempt_at=None,
        suspect_of=None,
    )
    return Decision(after, "file.skipped", detail)


def left_behind(
    item: Item, event: LeftBehind, now: float, policy: Policy, spread: float
) -> Decision:
    """Another account is in use: what it cannot be asked about waits for nothing (rules R3)."""
    del now, policy, spread
    if item.state is S.FAILED:
        return Decision(replace(item, next_attempt_at=None), None)
    state, reason, name = (
        (S.HELD, Reason.UNCONFIRMED, "confirm.held")
        if item.state is S.CONFIRMING
        else (S.FAILED, Reason.INDEXING_DEADLINE, "index.deadline")
    )
    after = replace(item, state=state, reason=reason, detail=event.text, next_attempt_at=None)
    return Decision(after, name, event.text)
