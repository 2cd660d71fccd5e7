"""One pass over what lies there (`run --once`): when it is over, and with which exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.errors import Exit
from ingestd.journal import Selection
from ingestd.model import GateName, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.seeing import Seeing
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Item
    from ingestd.settle import SettleTracker

#: Gates that only a person opens, as far as one pass is concerned (interface 3).
FOR_A_PERSON = frozenset(
    {GateName.AUTH, GateName.CREDITS, GateName.DISABLED, GateName.PAUSED, GateName.BUDGET}
    | {GateName.JOURNAL}
)
WORKING = (State.QUEUED, State.UPLOADING, State.CONFIRMING, State.INDEXING)
#: Ends that leave something for a person.
BAD = frozenset({State.FAILED, State.REJECTED, State.HELD})


@dataclass(frozen=True, slots=True)
class Once:
    """What one pass is about."""

    paths: tuple[str, ...] = ()  # limits the pass to what lies at or below these
    until: str = "parsed"  # or "uploaded"
    timeout: float | None = None  # seconds


@dataclass(frozen=True, slots=True)
class _Row:
    """How far one row of the pass has come."""

    state: State
    folder: str | None


class Pass:
    """Follows one pass."""

    def __init__(
        self,
        once: Once,
        ctx: Context,
        seeing: Seeing,
        tracker: SettleTracker,
        keeper: Gatekeeper,
        busy: Callable[[], bool],
    ) -> None:
        self._once, self._ctx, self._seeing = once, ctx, seeing
        self._tracker, self._keeper, self._busy = tracker, keeper, busy
        self._began = ctx.now.mono
        self._last: dict[int, _Row] = {}
        for left_undone in ctx.journal.items(Selection(states=frozenset({*WORKING, State.HELD}))):
            watched = left_undone.folder is None or left_undone.folder in seeing.watched
            if watched or left_undone.state is not State.HELD:
                self._moved(None, left_undone)
        ctx.listeners.append(self._moved)

    def _moved(self, before: Item | None, after: Item) -> None:
        del before
        if self._concerns(after.path):
            self._last[after.id] = _Row(after.state, after.folder)

    def _concerns(self, path: str) -> bool:
        below = (one.rstrip("/") for one in self._once.paths)
        return not self._once.paths or any(
            path == one or path.startswith(one + "/") for one in below
        )

    def over(self) -> Exit | None:
        """Say with which exit code the pass is over; None: it is not."""
        deadline = self.deadline()
        if deadline is not None and self._ctx.now.mono >= deadline:
            return Exit.STOPPED_EARLY
        if not self._seen_all():
            return None
        waiting = self._working()
        if waiting and not self._stuck(waiting):
            return None
        if waiting:
            return Exit.STOPPED_EARLY
        rooted = all(watched.in_order for watched in self._seeing.all())
        bad = any(row.state in BAD or self._left_behind(row) for row in self._last.values())
        return Exit.DONE if rooted and not bad and not self._unfinished() else Exit.PROBLEMS

    def why(self, over: Exit) -> str:
        """Say in one sentence why the pass did not end well; "" when it did."""
        if over is Exit.DONE:
            return ""
        gates = [f"{gate.name.value}: {gate.detail}" for gate in self._keeper.closed]
        if over is Exit.STOPPED_EARLY:
            return self._left_over("; ".join(gates))
        said = [
            f"{count} {state.value}"
            for state in sorted(BAD)
            if (count := sum(row.state is state for row in self._last.values()))
        ]
        if unfinished := self._unfinished():
            said.append(f"{unfinished} not complete or not readable yet")
        said += [watched.detail.rstrip(".") for watched in self._seeing.all() if watched.detail]
        told = "; ".join(said) or "Not all that lies there could be taken"
        return f"{told}. See: ingestd list, and: ingestd show FILE"

    def _left_over(self, gates: str) -> str:
        left = len(self._working()) + len(self._tracker)
        files = {0: "no file waits", 1: "1 file waits"}.get(left, f"{left} files wait")
        deadline = self.deadline()
        if deadline is not None and self._ctx.now.mono >= deadline:
            looking = "" if self._seen_all() else " and not everything was looked at"
            also = f" {gates}" if gates else ""
            return (
                f"Its time is over: {files}{looking}. Nothing is lost, what was sent is not sent "
                f"again: the next run goes on.{also}"
            )
        return f"{files[0].upper()}{files[1:]}, nothing is lost: {gates or 'a person is needed'}"

    def deadline(self) -> float | None:
        """When its time is over, monotonic; None: it has no limit."""
        return None if self._once.timeout is None else self._began + self._once.timeout

    def _seen_all(self) -> bool:
        """Every folder was scanned, or cannot be; all that was seen is judged, or never will be."""
        for watched in self._seeing.all():
            if watched.hung:
                continue  # it is not waited for
            if watched.scanning or (watched.in_order and watched.passes == 0):
                return False
            if watched.looks or watched.looking:
                return False
        if self._seeing.sights.renames.busy or self._busy():
            return False
        return len(self._tracker) == self._unfinished()

    def _unfinished(self) -> int:
        """Files that this pass cannot bring to an end: incomplete or unreadable now."""
        return self._tracker.waiting()

    def _working(self) -> list[State]:
        wanted = WORKING if self._once.until == "parsed" else WORKING[:-1]
        rows = (row for row in self._last.values() if row.state in wanted)
        return [row.state for row in rows if not self._left_behind(row)]

    def _left_behind(self, row: _Row) -> bool:
        """Tell whether a row cannot go in this pass, for its folder is not there."""
        if row.state is not State.QUEUED or row.folder is None:
            return False
        watched = self._seeing.watched.get(row.folder)
        return watched is None or not watched.in_order

    def _stuck(self, waiting: list[State]) -> bool:
        """Nothing moves until a person does: what is left waits behind such a gate."""
        if self._keeper.probing:
            return False
        if set(waiting) != {State.QUEUED}:
            return State.UPLOADING not in waiting and self._keeper.unheard
        wall = self._ctx.now.wall
        return any(
            gate.name in FOR_A_PERSON and (gate.until is None or gate.until > wall)
            for gate in self._keeper.closed
        )
