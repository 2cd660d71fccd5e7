"""The sums of a plan, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ingestd.cli import money, words
from ingestd.cli.planner import Action, Planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.cli.walk import Walked
    from ingestd.config import Settings

_LABEL: Final = 10
_KINDS: Final = 6


@dataclass(slots=True)
class Sums:
    """What a plan adds up to; grows as files come by."""

    work: money.Work = field(default_factory=money.Work)
    held: money.Work = field(default_factory=money.Work)
    reasons: dict[Action, Counter[str]] = field(
        default_factory=lambda: {action: Counter() for action in Action}
    )

    def add(self, planned: Planned) -> None:
        """Count one file."""
        self.reasons[planned.action][planned.reason] += 1
        if planned.action is Action.TAKE:
            self.work = self.work.plus(planned.size or 0, planned.duration_s)
        if planned.action is Action.HOLD:
            self.held = self.held.plus(planned.size or 0, planned.duration_s)

    def document(self, settings: Settings, walked: Walked) -> dict[str, object]:
        """Write the sums for JSON."""
        return {
            "take": self.work.document(settings),
            "hold": self.held.document(settings),
            "reasons": {action: dict(self.reasons[action]) for action in Action},
            "ignored_by": dict(walked.ignored_by),
            "troubles": list(walked.troubles),
        }

    def lines(self, settings: Settings, walked: Walked) -> Iterator[str]:
        """Write the sums for people."""
        yield _labelled("TAKE", money.sentence(self.work, settings))
        if self.held.clips:
            told = _told(self.reasons[Action.HOLD])
            text = f"{money.sentence(self.held, settings)}: {told}. Then: ingestd approve | skip"
            yield _labelled("HOLD", text)
        for action in (Action.SKIP, Action.REJECT, Action.WAIT):
            counted = self.reasons[action]
            if counted:
                yield _labelled(action.upper(), _told(counted))
        if walked.ignored_by:
            total = words.number(walked.ignored_by.total())
            yield _labelled(
                "IGNORE", f"{total} names that are no video's: {_told(walked.ignored_by)}"
            )
        for trouble in walked.troubles:
            yield _labelled("TROUBLE", trouble)


def _told(counted: Counter[str]) -> str:
    shown = [
        f"{words.number(n)} {words.printable(kind)}" for kind, n in counted.most_common(_KINDS)
    ]
    rest = counted.total() - sum(n for _, n in counted.most_common(_KINDS))
    return ", ".join(shown + ([f"{words.number(rest)} other"] if rest else []))


def _labelled(label: str, text: str) -> str:
    return label.ljust(_LABEL) + text
