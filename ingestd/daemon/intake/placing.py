"""Where an acceptable file goes: into the queue, or it waits for a person (rules R3, R6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd import validate
from ingestd.lifecycle import events
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.brake import Brake
    from ingestd.daemon.intake.content import Contents
    from ingestd.model import Item, Step

QUEUED = events.Judged(State.QUEUED, None, None)
#: What is said of a row that is held because another scope has its content.
PAID_ELSEWHERE = "Same content as file "
#: Stands for `skip` said before the file went away and came back.
SKIPPED = events.Judged(State.SKIPPED, None, None)


class Placing:
    """What a person said before counts; then copies, then the guard."""

    def __init__(self, ctx: Context, brake: Brake, contents: Contents) -> None:
        self._ctx, self.brake, self._contents = ctx, brake, contents

    def place(self, like: Item, known: Item | None, *, oversize: bool) -> events.Judged:
        """Say where a valid file goes.

        Args:
            like: the file as a row, with what it is approved for.
            known: the row that is judged anew, if it is about the same content.
            oversize: it is above `max_size`, and the rules say hold.
        """
        if oversize and (held := oversized(like)) is not None:
            return held
        if like.approved or like.pay_again:
            self.brake.answered(like.path)
            return QUEUED
        match self._before_it_went(known):
            case State.SKIPPED:
                return SKIPPED
            case State.HELD:
                return self.brake.again(like)
        if self._contents.is_suspect(like):
            self.brake.awaits(like.path)  # counted if it turns out to be new
            return QUEUED
        return self.brake.holds(like) or QUEUED

    def _before_it_went(self, known: Item | None) -> State | None:
        """The state that a row which is gone had before."""
        if known is None or known.state is not State.GONE:
            return None
        steps = self._ctx.journal.history(known.id)
        before = steps[-1].from_state if steps else None
        if before is State.HELD and _was_for_its_content(steps):
            return None  # what it shares its content with is found out anew
        return before


def _was_for_its_content(steps: Sequence[Step]) -> bool:
    """Tell whether a row was held last because another scope has its content, not by the guard."""
    held = [step for step in steps if step.to_state is State.HELD]
    # an heir says before that whose place it took
    return bool(held) and PAID_ELSEWHERE in (held[-1].detail or "")


def oversized(like: Item) -> events.Judged | None:
    """Hold what is above `max_size`, unless a person approved it."""
    if Reason.OVERSIZE in like.approved:
        return None
    detail = validate.held_for_its_size(like.stat.size if like.stat else 0)
    return events.Judged(State.HELD, Reason.OVERSIZE, detail)


def skip(ctx: Context, item: Item) -> Item:
    """Skip a row that is judged anew; by way of the queue, as every row that is skipped."""
    return ctx.apply(ctx.apply(item, QUEUED), events.Skipped())
