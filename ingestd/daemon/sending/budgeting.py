"""The budget: what was spent, what may still be, and the gate when no more may (interface 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd import localtime
from ingestd.gates import Answer, Fits, Limit, Period, playing_time, weigh
from ingestd.model import GateName, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.flights import Flights
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Item

#: Meta key: for which day and month a person said yes to going over the budget.
OVER_BUDGET = "over_budget"
#: The option of `resume` that says so.
WORD = "over_budget"
#: States whose attempt is under way, or being asked about.
_OPEN = frozenset({State.UPLOADING, State.CONFIRMING})


class Budgeting:
    """The desk that keeps to the budget.

    A clip counts when it is accepted, on that day, with the length that its file tells. What is
    under way, or was sent and never answered, is reserved, so that the limit holds whatever
    becomes of it.
    """

    def __init__(self, ctx: Context, keeper: Gatekeeper, flights: Flights) -> None:
        self._ctx, self._keeper, self._flights = ctx, keeper, flights
        self._too_long: set[int] = set()  # queued rows that never fit as things are
        self._limits = self._configured()
        keeper.words[WORD] = self.say_yes
        ctx.listeners.append(self._moved)

    def review(self) -> None:
        """Open the gate when what closed it is over."""
        if self._limits != self._configured():
            self._limits = self._configured()
            self._wake()
        gate = self._keeper.gate(GateName.BUDGET)
        if gate is not None and gate.data.get("of") != self._circumstances(gate.until):
            self._keeper.open(GateName.BUDGET)

    def allows(self, item: Item) -> bool:
        """Tell whether a row may be sent now; closes the gate when it may not before its time."""
        answer = self._weigh(item)
        if answer.fits is Fits.LATER and answer.limit is not None:
            self._close(answer.limit.ends, _used_up(answer.limit, item))
        return answer.fits is Fits.YES

    def too_long(self, item: Item) -> str:
        """Say why a row can never go as things are; "": it can, perhaps later."""
        answer = self._weigh(item)
        if answer.fits is not Fits.NEVER or answer.limit is None:
            self._too_long.discard(item.id)
            return ""
        why = _never(answer.limit, item)
        if item.id not in self._too_long:
            self._too_long.add(item.id)
            self._ctx.log.warning("upload.over_budget", id=item.id, path=item.path, detail=why)
        return why

    def nothing_goes(self) -> None:
        """Nothing that is due may go: close the gate if the budget is the reason for all of it."""
        files = len(self._too_long)
        if not files or self._ctx.journal.counts()[State.QUEUED] != files:
            return
        item = self._ctx.journal.item(min(self._too_long))
        if item is not None and item.detail:
            self._close(None, item.detail)

    def say_yes(self) -> str:
        """A person says: go over the budget, for the period whose limit stands in the way."""
        said = dict(self._said_yes())
        items = [item for one in self._too_long if (item := self._ctx.journal.item(one))]
        gate = self._keeper.gate(GateName.BUDGET)
        limits = [answer.limit for item in items if (answer := self._weigh(item)).limit]
        if gate is not None and gate.until is not None:
            limits += [limit for limit in self._limits_now() if limit.ends == gate.until]
        limits = limits or self._limits_now()[:1]
        for limit in limits:
            if limit is not None:
                said[limit.period.value] = self._name(limit.period)
        if not limits:
            return "There is no budget to go over."
        self._ctx.journal.set_meta(OVER_BUDGET, said)
        self._keeper.open(GateName.BUDGET)
        self._wake()
        periods = sorted({limit.period.value for limit in limits if limit is not None})
        return f"The budget of this {' and this '.join(periods)} is not kept to any more."

    # --- inside -------------------------------------------------------------------------------

    def _weigh(self, item: Item) -> Answer:
        return weigh(_seconds(item), self._limits_now())

    def _configured(self) -> dict[Period, float]:
        budget = self._ctx.settings.budget
        minutes = {Period.DAY: budget.minutes_per_day, Period.MONTH: budget.minutes_per_month}
        return {period: one * 60 for period, one in minutes.items() if one is not None}

    def _name(self, period: Period) -> str:
        wall = self._ctx.now.wall
        return localtime.day(wall) if period is Period.DAY else localtime.month(wall)

    def _said_yes(self) -> dict[str, object]:
        kept = self._ctx.journal.meta(OVER_BUDGET)
        return kept if isinstance(kept, dict) else {}

    def _limits_now(self) -> list[Limit]:
        """The limits in force, without those that a person said yes to."""
        configured = self._configured()
        if not configured:
            return []
        said, under_way = self._said_yes(), self._under_way()
        kept = [one for one in configured if said.get(one.value) != self._name(one)]
        return [
            Limit(
                period,
                configured[period],
                self._spent(period),
                under_way,
                self._ends(period),
            )
            for period in kept
        ]

    def _ends(self, period: Period) -> float:
        wall = self._ctx.now.wall
        return localtime.next_day(wall) if period is Period.DAY else localtime.next_month(wall)

    def _spent(self, period: Period) -> float:
        """What was accepted in this period, and what may have been: its answer never came."""
        name = self._name(period)
        month = localtime.month(self._ctx.now.wall)
        usage = self._ctx.journal.usage(f"{month}-01")
        accepted = sum(one.seconds for one in usage if one.day.startswith(name))
        return accepted + sum(_seconds(item) for item in self._unsure(name))

    def _unsure(self, name: str) -> Iterator[Item]:
        """A row for each lost upload of the time, whatever became of it; open ones are reserved."""
        journal = self._ctx.journal
        for row in sorted({row for row, _ in journal.unresolved_sizes()}):
            item = journal.item(row)
            if item is None or item.state in _OPEN:
                continue
            for send in journal.sends(row):
                if send.outcome == "unknown" and localtime.day(send.at).startswith(name):
                    yield item

    def _under_way(self) -> float:
        """What is being prepared, sent or asked about."""
        asked = self._ctx.journal.in_state(State.CONFIRMING)
        return sum(_seconds(item) for item in (*self._flights.items, *asked))

    def _circumstances(self, until: float | None) -> list[object]:
        """What the closed gate rests on; when it changes the gate is weighed again."""
        queued = self._ctx.journal.counts()[State.QUEUED] if until is None else None
        limits = {period.value: seconds for period, seconds in self._configured().items()}
        return [limits, localtime.day(self._ctx.now.wall), queued]

    def _close(self, until: float | None, detail: str) -> None:
        of = self._circumstances(until)
        self._keeper.hold(GateName.BUDGET, until, detail=detail, asks=WORD, data={"of": of})

    def _wake(self) -> None:
        """What never fitted may fit now."""
        wall = self._ctx.now.wall
        for item_id in self._too_long:
            item = self._ctx.journal.item(item_id)
            if item is not None and item.state is State.QUEUED:
                due = replace(item, next_attempt_at=wall, delay=0.0, detail=None)
                self._ctx.journal.revise(item, due, wall)
        self._too_long.clear()

    def _moved(self, _before: Item | None, after: Item) -> None:
        if after.state is not State.QUEUED:
            self._too_long.discard(after.id)


def _seconds(item: Item) -> float:
    return playing_time(item.duration_s, item.stat.size if item.stat else 0)


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    if minutes >= 10 or not minutes:  # noqa: PLR2004 - no more exact than anybody wants to know
        return f"{minutes:.0f}"
    return f"{max(minutes, 0.01):.2f}".rstrip("0").rstrip(".")


def _used_up(limit: Limit, item: Item) -> str:
    return (
        f"{_minutes(limit.spent)} of {_minutes(limit.allowed)} min of this {limit.period.value} "
        f"are spent, and the next clip takes {_minutes(_seconds(item))} min. To go over the "
        "budget: ingestd resume --over-budget"
    )


def _never(limit: Limit, item: Item) -> str:
    name = item.path.rpartition("/")[2]
    return (
        f"{name} counts {_minutes(_seconds(item))} min, and "
        f"budget.minutes_per_{limit.period.value} allows {_minutes(limit.allowed)}: it never fits. "
        "Nothing was sent. Raise the budget, or: ingestd resume --over-budget"
    )
