"""What the way of an attempt makes of a row, from its claim to its outcome (rules R1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.lifecycle.policy import Decision, grown
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from ingestd.lifecycle.events import (
        AttemptFailed,
        Claimed,
        FileRefused,
        GateRefused,
        OutcomeUnknown,
        Postponed,
        TakenIn,
    )
    from ingestd.lifecycle.policy import Policy
    from ingestd.model import Item

S = State


def claimed(item: Item, event: Claimed, now: float, policy: Policy, spread: float) -> Decision:
    """An attempt begins."""
    del now, policy, spread
    after = replace(
        item,
        state=S.UPLOADING,
        reason=None,
        detail=None,
        upload_name=event.upload_name,
        scope=event.scope,
        next_attempt_at=None,
    )
    return Decision(after, "upload.started")


def taken_in(item: Item, event: TakenIn, now: float, policy: Policy, spread: float) -> Decision:
    """The far side has it: it is followed from now on."""
    after = replace(
        item,
        state=S.INDEXING,
        reason=None,
        detail=event.detail,
        video_no=event.video_no,
        content_hash=event.content_hash or item.content_hash,
        uploaded_at=now,
        pay_again=False,
        delay=policy.poll_min,
        next_attempt_at=now + policy.poll_min * spread,
        asks=0,
        asked_s=0.0,
    )
    return Decision(after, f"upload.{event.how}", event.detail or event.video_no)


def gate_refused(
    item: Item, event: GateRefused, now: float, policy: Policy, spread: float
) -> Decision:
    """Refused for the account's sake: the attempt is given back (rules R7)."""
    del policy, spread
    after = replace(item, state=S.QUEUED, detail=event.text, next_attempt_at=now)
    return Decision(after, "upload.refused", event.text)


def file_refused(
    item: Item, event: FileRefused, now: float, policy: Policy, spread: float
) -> Decision:
    """Refused for good for the file's own sake."""
    del now, policy, spread
    after = replace(
        item,
        state=S.FAILED,
        reason=Reason.REFUSED,
        detail=event.text,
        attempts=item.attempts + 1,
        next_attempt_at=None,
    )
    return Decision(after, "upload.refused", event.text)


def attempt_failed(
    item: Item, event: AttemptFailed, now: float, policy: Policy, spread: float
) -> Decision:
    """Provably not accepted: later again, until the attempts are used up."""
    attempts = item.attempts + 1
    if attempts >= policy.max_attempts:
        detail = (
            f"Given up after {attempts} attempts, nothing was billed. Last: {event.text} "
            f"Then: ingestd retry {item.id}"
        )
        after = replace(
            item,
            state=S.FAILED,
            reason=Reason.ATTEMPTS_EXHAUSTED,
            detail=detail,
            attempts=attempts,
            next_attempt_at=None,
        )
        return Decision(after, "upload.given_up", event.text)
    delay = grown(item.delay, policy.retry_min, policy.retry_max)
    after = replace(
        item,
        state=S.QUEUED,
        detail=event.text,
        attempts=attempts,
        delay=delay,
        next_attempt_at=now + delay * spread,
    )
    return Decision(after, "upload.not_sent", event.text)


def postponed(item: Item, event: Postponed, now: float, policy: Policy, spread: float) -> Decision:
    """Our side ended it before the last byte: later again, nothing burned."""
    delay = item.delay
    wait = event.after
    if wait is None:
        delay = grown(item.delay, policy.retry_min, policy.retry_max)
        wait = delay * spread
    after = replace(
        item, state=S.QUEUED, detail=event.text, delay=delay, next_attempt_at=now + wait
    )
    return Decision(after, "upload.postponed", event.text)


def unknown(
    item: Item, event: OutcomeUnknown, now: float, policy: Policy, spread: float
) -> Decision:
    """Nobody knows whether it arrived: the far side is asked (rules R1)."""
    del policy, spread
    detail = (
        f"The file went out whole, and no word came back whether it was taken: {event.text} "
        "memories.ai is being asked whether it has it; nothing is sent again until that is known."
    )
    after = replace(
        item,
        state=S.CONFIRMING,
        detail=detail,
        attempts=item.attempts + 1,
        delay=0.0,
        asks=0,
        asked_s=0.0,
        next_attempt_at=now,
    )
    return Decision(after, "upload.unknown", event.text)
