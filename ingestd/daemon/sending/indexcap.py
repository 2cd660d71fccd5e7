"""The cap of the far side's indexing queue: learned, kept, and waited for (rules R7)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ingestd.gates import CAP_WINDOW_S, Cap
from ingestd.model import GateName, State

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Item
    from ingestd.remote.contract import Trouble

#: Meta key of what is known.
CAP = "indexing_cap"
#: How long the gate stays closed when no clip is through before, seconds.
TRY_AGAIN_S = 600.0


class IndexingCap:
    """The desk that knows how many clips the far side takes into its queue at a time."""

    def __init__(self, ctx: Context, keeper: Gatekeeper) -> None:
        self._ctx, self._keeper = ctx, keeper
        kept = ctx.journal.meta(CAP)
        self._cap = Cap(**kept) if isinstance(kept, dict) else Cap()
        ctx.listeners.append(self._moved)

    def refused(self, trouble: Trouble) -> bool:
        """An upload was refused as too many: tell whether that was the cap, and close its gate."""
        unfinished, wall = self._unfinished(), self._ctx.now.wall
        shut = self._keeper.is_closed(GateName.INDEXING_CAP)
        if unfinished and (shut or self._cap.is_reached(unfinished)):
            self._keep(Cap(min(unfinished, self._cap.known or unfinished)))
            self._shut(trouble.retry_after)
            return True
        if not unfinished:
            self._keeper.open(GateName.INDEXING_CAP)  # it cannot be that one
        self._keep(self._cap.refused(unfinished, wall))
        return self._learn()

    def accepted(self) -> None:
        """An upload was accepted, and is recorded."""
        unfinished = self._unfinished()
        self._keep(self._cap.accepted(unfinished))
        if self._cap.is_reached(unfinished) and self._keeper.is_closed(GateName.INDEXING_CAP):
            self._shut(afresh=True)  # that was the one that fitted
        else:
            self._keeper.open(GateName.INDEXING_CAP)

    def is_in_use(self) -> bool:
        """Tell whether clips of ours are in the far side's indexing queue."""
        return self._unfinished() > 0

    def is_reached(self, starting: int) -> bool:
        """Tell whether the uploads under way are as many as the far side takes."""
        return self._cap.known is not None and self._cap.is_reached(self._unfinished() + starting)

    def review(self) -> float | None:
        """Close the gate before what the far side would refuse; when to come again, monotonic."""
        if self._cap.known is not None:
            self._foresee()
        if self._cap.ripe_at is None or self._keeper.probing:
            return None
        return None if self._learn() else self._ctx.mono(self._cap.ripe_at)

    # --- inside -------------------------------------------------------------------------------

    def _foresee(self) -> None:
        unfinished, waiting = self._unfinished(), self._ctx.journal.counts()[State.QUEUED]
        reached = self._cap.is_reached(unfinished)
        shut = self._keeper.is_closed(GateName.INDEXING_CAP)
        if not shut and waiting and reached:
            self._shut()
        elif shut and not waiting and not reached:
            self._keeper.open(GateName.INDEXING_CAP)  # nothing is there to try it with

    def _learn(self) -> bool:
        learned = self._cap.learned(self._ctx.now.wall)
        if learned is None:
            return False
        self._keep(learned)
        self._ctx.log.info("upload.indexing_cap", clips=learned.known)
        self._keeper.open(GateName.RATE_LIMIT)  # it was that one all the time
        self._shut()
        return True

    def _shut(self, wait: float | None = None, *, afresh: bool = False) -> None:
        detail = (
            f"memories.ai takes about {self._cap.known} clips of this account at a time into its "
            "indexing queue. Nothing is lost; one upload tries each time a clip is through."
        )
        until = self._ctx.now.wall + max(TRY_AGAIN_S, wait or 0.0)
        self._keeper.hold(GateName.INDEXING_CAP, until, detail=detail, afresh=afresh)

    def _unfinished(self) -> int:
        return self._ctx.journal.unfinished(self._ctx.now.wall - CAP_WINDOW_S)

    def _keep(self, cap: Cap) -> None:
        if cap != self._cap:
            self._cap = cap
            self._ctx.journal.set_meta(CAP, asdict(cap))

    def _moved(self, before: Item | None, after: Item) -> None:
        """A clip is through: one upload may try."""
        through = before is not None and before.state is State.INDEXING
        if through and after.state is not State.INDEXING:
            self._keeper.probe(GateName.INDEXING_CAP)
