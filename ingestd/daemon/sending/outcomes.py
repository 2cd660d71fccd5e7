"""What the end of an attempt means for its row: one table (rules R1). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.lifecycle import events
from ingestd.remote.contract import (
    Aborted,
    Accepted,
    LocalKind,
    NotSent,
    Outcome,
    Refusal,
    Refused,
    Unknown,
)

if TYPE_CHECKING:
    from ingestd.remote.contract import Trouble

#: HTTP answers that say this very body will never be taken.
FOR_GOOD = frozenset({413, 415})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the loop does with an outcome."""

    event: events.Event
    recorded: str  # the word in `sends[].outcome`
    account: Trouble | None = None  # a trouble of the account: closes its gate if it has one


def meaning_of(outcome: Outcome) -> Meaning:
    """Translate an outcome for the row; gates decide later whether an attempt is given back."""
    match outcome:
        case Accepted():
            taken = events.TakenIn(outcome.video_no, outcome.content_hash, "accepted")
            return Meaning(taken, "accepted")
        case Unknown():
            return Meaning(events.OutcomeUnknown(outcome.text, outcome.readable), "unknown")
        case Aborted():
            return Meaning(_aborted(outcome), "not_sent")
        case Refused() | NotSent():
            return _refused(outcome.trouble, isinstance(outcome, Refused))


def _refused(trouble: Trouble, answered: bool) -> Meaning:  # noqa: FBT001 - private, two callers in sight
    recorded = "refused" if answered else "not_sent"
    if trouble.kind is Refusal.FILE and trouble.http in FOR_GOOD:
        text = (
            f"memories.ai does not take it, nothing was billed: {sentence(trouble.text)} It is not "
            "sent again by itself. Look at the file; when it is mended: ingestd retry"
        )
        return Meaning(events.FileRefused(text), recorded)
    failed = events.AttemptFailed(f"Not accepted, nothing was billed: {sentence(trouble.text)}")
    return Meaning(failed, recorded, trouble)


def sentence(text: str) -> str:
    """End a text with one full stop."""
    return text.rstrip(". ") + "."


def _aborted(outcome: Aborted) -> events.Event:
    match outcome.kind:
        case LocalKind.CHANGED:
            return events.Replaced()
        case LocalKind.STOPPED | LocalKind.NO_MARK:
            return events.Postponed(outcome.text, after=0.0)
        case LocalKind.VANISHED | LocalKind.UNREADABLE:
            return events.Postponed(outcome.text)
