"""What each event makes of a row: the one place that decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd.lifecycle.events import (
    AttemptFailed,
    Claimed,
    Event,
    FileRefused,
    GateRefused,
    Judged,
    LookFailed,
    NotFound,
    OutcomeUnknown,
    Postponed,
    Replaced,
    SameContent,
    StatusRead,
    TakenIn,
    Vanished,
    Wanted,
)
from ingestd.model import Item, Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

S = State


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits that decisions keep to (interface 4, `upload` and `indexing`); seconds."""

    max_attempts: int = 10
    retry_min: float = 5.0
    retry_max: float = 900.0
    poll_min: float = 5.0
    poll_max: float = 300.0
    deadline: float = 86_400.0
    confirm_for: float = 3_600.0
    resend: bool = True  # after confirm_for: send again (True) or hold
    late_asks_for: float = 30 * 86_400.0  # after the deadline: still asked daily


#: An answer that could be read: three looks over this many seconds suffice (rules R1).
READABLE_CONFIRM_S = 30.0
READABLE_LOOKS = 3
#: Looks that an unreadable end needs at least (rules R2).
CONFIRM_LOOKS = 5
DAY = 86_400.0
STATUS_READY = frozenset({"PARSE"})
STATUS_FAILED = frozenset({"FAIL", "FAILED", "PARSE_ERROR", "ERROR"})


@dataclass(frozen=True, slots=True)
class Decision:
    """The row as it is to be; `name` is the stable event name, None for a mere rescheduling."""

    item: Item
    name: str | None
    detail: str | None = None


def decide(item: Item, event: Event, now: float, policy: Policy, jitter: float = 0.0) -> Decision:
    """Say what an event makes of a row.

    Args:
        item: the row as it is.
        event: what happened.
        now: wall-clock time, seconds.
        policy: the limits in force.
        jitter: 0 to 1; spreads growing delays by up to a fifth.
    """
    rule = _RULES[type(event)]
    return rule(item, event, now, policy, 1.0 + 0.2 * jitter)


def grown(delay: float, smallest: float, largest: float) -> float:
    """The next of a row of doubling delays, within its bounds."""
    return min(largest, max(smallest, delay * 2))


def _claimed(item: Item, event: Claimed, now: float, policy: Policy, spread: float) -> Decision:
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


def _taken_in(item: Item, event: TakenIn, now: float, policy: Policy, spread: float) -> Decision:
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


def _gate_refused(
    item: Item, event: GateRefused, now: float, policy: Policy, spread: float
) -> Decision:
    del policy, spread
    after = replace(item, state=S.QUEUED, detail=event.text, next_attempt_at=now)
    return Decision(after, "upload.refused", event.text)


def _file_refused(
    item: Item, event: FileRefused, now: float, policy: Policy, spread: float
) -> Decision:
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


def _attempt_failed(
    item: Item, event: AttemptFailed, now: float, policy: Policy, spread: float
) -> Decision:
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


def _postponed(item: Item, event: Postponed, now: float, policy: Policy, spread: float) -> Decision:
    delay = item.delay
    wait = event.after
    if wait is None:
        delay = grown(item.delay, policy.retry_min, policy.retry_max)
        wait = delay * spread
    after = replace(
        item, state=S.QUEUED, detail=event.text, delay=delay, next_attempt_at=now + wait
    )
    return Decision(after, "upload.postponed", event.text)


def _unknown(
    item: Item, event: OutcomeUnknown, now: float, policy: Policy, spread: float
) -> Decision:
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


def _not_found(item: Item, event: NotFound, now: float, policy: Policy, spread: float) -> Decision:
    asks, asked = item.asks + 1, item.asked_s + event.spent
    looks, span = (
        (READABLE_LOOKS, READABLE_CONFIRM_S)
        if event.readable
        else (CONFIRM_LOOKS, policy.confirm_for)
    )
    if asks < looks or asked < span:
        delay = min(grown(item.delay, policy.poll_min, policy.poll_max), max(span / looks, 1.0))
        after = replace(
            item, asks=asks, asked_s=asked, delay=delay, next_attempt_at=now + delay * spread
        )
        return Decision(after, None)
    if not (event.trusted and policy.resend) or item.attempts >= policy.max_attempts:
        detail = (
            f"An upload's answer was lost and {asks} looks could not tell whether the video "
            "arrived. It may have been billed. Look for it at memories.ai; it is not sent again by "
            "itself."
        )
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
    detail = f"Not found by {asks} looks over {asked:.0f} s: it did not arrive and is sent again."
    after = replace(
        item,
        state=S.QUEUED,
        detail=detail,
        delay=delay,
        next_attempt_at=now + delay * spread,
        asks=asks,  # kept: should the file go away, its row says that it was asked for
        asked_s=asked,
    )
    return Decision(after, "confirm.not_found", detail)


def _look_failed(
    item: Item, event: LookFailed, now: float, policy: Policy, spread: float
) -> Decision:
    del event
    delay = grown(item.delay, policy.poll_min, policy.poll_max)
    return Decision(replace(item, delay=delay, next_attempt_at=now + delay * spread), None)


def _status_read(
    item: Item, event: StatusRead, now: float, policy: Policy, spread: float
) -> Decision:
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
        f"Uploaded and billed, but the far side could not index it ({event.status}{cause}). It is"
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


def _gone(item: Item, reason: Reason, detail: str, name: str) -> Decision:
    if item.state is S.HELD and item.reason is Reason.UNCONFIRMED:
        return Decision(item, None)  # it may be paid: only a person ends that (interface 2)
    if item.attempts and item.state is S.QUEUED and item.asks:
        detail += " An attempt before that was never confirmed."
    after = replace(
        item,
        state=S.GONE,
        reason=reason,
        detail=detail,
        next_attempt_at=None,
        suspect_of=None,
    )
    return Decision(after, name, detail)


def _replaced(item: Item, event: Replaced, now: float, policy: Policy, spread: float) -> Decision:
    del event, now, policy, spread
    return _gone(
        item, Reason.REPLACED, "Another file took its place before it was sent.", "file.replaced"
    )


def _vanished(item: Item, event: Vanished, now: float, policy: Policy, spread: float) -> Decision:
    del event, now, policy, spread
    return _gone(
        item,
        Reason.VANISHED,
        "The file went away before it was sent. If it comes back it is taken.",
        "file.vanished",
    )


def _judged(item: Item, event: Judged, now: float, policy: Policy, spread: float) -> Decision:
    del policy, spread
    queued = event.state is S.QUEUED
    after = replace(
        item,
        state=event.state,
        reason=event.reason,
        detail=event.detail,
        queued_at=now if queued else item.queued_at,
        next_attempt_at=now if queued else None,
        delay=0.0,
        duplicate_of=item.duplicate_of if event.state is S.DUPLICATE else None,
    )
    name = f"file.{event.state.value}"
    if item.state is event.state:
        return Decision(after, None)
    return Decision(after, name, event.detail)


def _same_content(
    item: Item, event: SameContent, now: float, policy: Policy, spread: float
) -> Decision:
    del now, policy, spread
    detail = f"Same content as file {event.original}, byte for byte: not uploaded, not billed."
    after = replace(
        item,
        state=S.DUPLICATE,
        reason=None,
        detail=detail,
        duplicate_of=event.original,
        suspect_of=None,
        content_hash=event.content_hash,
        next_attempt_at=None,
    )
    return Decision(after, "file.duplicate", detail)


def _wanted(item: Item, event: Wanted, now: float, policy: Policy, spread: float) -> Decision:
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


_RULES: dict[type, Callable[..., Decision]] = {
    Claimed: _claimed,
    TakenIn: _taken_in,
    GateRefused: _gate_refused,
    FileRefused: _file_refused,
    AttemptFailed: _attempt_failed,
    Postponed: _postponed,
    OutcomeUnknown: _unknown,
    NotFound: _not_found,
    LookFailed: _look_failed,
    StatusRead: _status_read,
    Replaced: _replaced,
    Vanished: _vanished,
    Judged: _judged,
    SameContent: _same_content,
    Wanted: _wanted,
}
