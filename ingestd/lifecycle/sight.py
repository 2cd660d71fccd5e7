"""What became of the file itself: judged, copied, replaced, gone (rules R4, R5, R6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingestd.lifecycle.policy import Decision
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from ingestd.lifecycle.events import Judged, Replaced, SameContent, Vanished
    from ingestd.lifecycle.policy import Policy
    from ingestd.model import Item

S = State


def _gone(item: Item, reason: Reason, detail: str, name: str, attempt_at: float | None) -> Decision:
    if _may_be_paid(item, attempt_at):
        return Decision(item, None)  # it stays known, whatever became of its file (rules R3)
    if item.attempts and item.asks and item.state in (S.QUEUED, S.UPLOADING):
        when = f" at {_utc(attempt_at)}" if attempt_at is not None else ""
        detail += f" An attempt{when} was never confirmed: look for it at memories.ai."
    after = replace(
        item,
        state=S.GONE,
        reason=reason,
        detail=detail,
        next_attempt_at=None,
        suspect_of=None,
    )
    return Decision(after, name, detail)


def _may_be_paid(item: Item, attempt_at: float | None) -> bool:
    """Tell whether an unsent row is about an upload that was, or may have been, accepted.

    Held: only a person ends that (interface 2). Skipped: its content counts as known (rules R3).
    """
    if item.state is S.HELD:
        return item.reason is Reason.UNCONFIRMED
    return item.state is S.SKIPPED and (item.video_no is not None or attempt_at is not None)


def replaced(item: Item, event: Replaced, now: float, policy: Policy, spread: float) -> Decision:
    """Another file stands at the path."""
    del now, policy, spread
    detail = "Another file took its place before it was sent."
    return _gone(item, Reason.REPLACED, detail, "file.replaced", event.attempt_at)


def vanished(item: Item, event: Vanished, now: float, policy: Policy, spread: float) -> Decision:
    """The file is not there any more."""
    del now, policy, spread
    waits = item.state in (S.HELD, S.SKIPPED)
    back = f"it is {item.state} as before" if waits else "it is taken"
    detail = f"The file went away before it was sent. If it comes back {back}."
    return _gone(item, Reason.VANISHED, detail, "file.vanished", event.attempt_at)


def _utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def judged(item: Item, event: Judged, now: float, policy: Policy, spread: float) -> Decision:
    """A look at the file said what it is."""
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
        suspect_of=item.suspect_of if queued else None,
    )
    name = f"file.{event.state.value}"
    if item.state is event.state:
        return Decision(after, None)
    return Decision(after, name, event.detail)


def same_content(
    item: Item, event: SameContent, now: float, policy: Policy, spread: float
) -> Decision:
    """Proven: another row holds this content (rules R4)."""
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
