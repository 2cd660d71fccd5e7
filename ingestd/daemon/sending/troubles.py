"""What a refused or lost upload says about the account, and when it is the file after all (R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.daemon.sending.gatekeeper import GATE_OF
from ingestd.daemon.sending.outcomes import sentence
from ingestd.journal import Closings
from ingestd.lifecycle import events
from ingestd.model import GateName, State
from ingestd.remote.contract import Refusal, Trouble

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.daemon.sending.indexcap import IndexingCap
    from ingestd.model import Item, Send


#: What history says of an attempt that was given back.
GIVEN_BACK = "confirm.limited"
#: So often an attempt of a file is given back; then each counts (contract 5.3: cap the retries).
MOST_GIVEN_BACK = 20
#: A file that closed a gate so often while others passed in between is not taken (rules R7).
MOST_CLOSINGS = 3
#: So many times as many others must have passed as were refused; and one at least.
PASSED_MORE = 2


class Troubles:
    """The desk that closes gates for what uploads meet, and burns no attempt for it."""

    def __init__(self, ctx: Context, keeper: Gatekeeper, cap: IndexingCap) -> None:
        self._ctx, self._keeper, self.cap = ctx, keeper, cap
        self._last_unreachable: int | None = None
        ctx.listeners.append(self._moved)

    def event_of(
        self, item: Item, send: Send, trouble: Trouble | None, event: events.Event
    ) -> events.Event:
        """What an attempt's end means for its row, after the account's gates are closed for it.

        Args:
            item: the row.
            send: the attempt.
            trouble: what was met, if it may be the account's.
            event: what it means for the row if it is not the account's.
        """
        if trouble is None or trouble.kind is not Refusal.UNREACHABLE:
            self._last_unreachable = None  # it answered: a loss before this is no row of losses
        if trouble is None:
            return event
        name = GATE_OF.get(trouble.kind)
        was_open = name is not None and not self._is_shut(name)
        if not self._is_accounts(item, trouble):
            return event
        may_be_file = was_open and trouble.kind is not Refusal.UNREACHABLE
        if name and may_be_file and self._closings(item, send) >= MOST_CLOSINGS:
            self._keeper.open(name)  # it was not the account
            return events.FileRefused(_poison(trouble))
        return events.GateRefused(trouble.text)

    def limited(self, item: Item, text: str) -> bool:
        """A whole upload was answered in words of a limit, by a code that may mean anything.

        The cap of the indexing queue may be said so (contract 5.2), and much else: uploads pause
        as for the rate. Tell whether the attempt is to be given back if it did not arrive: while
        clips of ours are in that queue, and not for ever, for it may be the file (contract 5.3).
        """
        in_use = self.cap.is_in_use()
        self._is_accounts(item, Trouble(Refusal.RATE, text))
        steps = self._ctx.journal.history(item.id) if in_use else ()
        given_back = sum(step.event == GIVEN_BACK for step in steps)
        return in_use and given_back < MOST_GIVEN_BACK

    def accepted(self) -> None:
        """An upload was accepted, and is recorded."""
        self._last_unreachable = None
        self._keeper.accepted()
        self.cap.accepted()

    def _is_shut(self, name: GateName) -> bool:
        """Tell whether uploads pause for this already; the cap's refusals look like the rate's."""
        names = {name, GateName.INDEXING_CAP} if name is GateName.RATE_LIMIT else {name}
        return any(self._keeper.is_closed(one) for one in names)

    def _is_accounts(self, item: Item, trouble: Trouble) -> bool:
        """Close the account's gate, if it is the account's; a lone lost connection is not yet."""
        at_least = 0.0
        if trouble.kind is Refusal.UNREACHABLE:
            last, self._last_unreachable = self._last_unreachable, item.id
            if last in (None, item.id) and not self._keeper.is_closed(GateName.UNREACHABLE):
                return False
        if trouble.kind is Refusal.RATE:
            if self.cap.refused(trouble):
                return True
            per_minute = self._ctx.settings.upload.per_minute
            at_least = 60.0 / per_minute if per_minute else 0.0
        return self._keeper.trouble(trouble, item_id=item.id, at_least=at_least) is not None

    def _closings(self, item: Item, send: Send) -> int:
        """Count how often this very file closed a gate while others passed in between.

        Where others are refused about as often as they pass, it is no matter of the file: a
        closing like that is not counted.
        """
        journal = self._ctx.journal
        closings = journal.closings(item.id)
        if closings is None:
            return journal.save_closings(Closings(item.id, 1, send.id)).times
        passed, refused = journal.passed_since(closings.send_id, besides=item.id)
        if passed <= refused * PASSED_MORE:
            return closings.times
        return journal.save_closings(Closings(item.id, closings.times + 1, send.id)).times

    def _moved(self, before: Item | None, after: Item) -> None:
        """What was accepted, or a person wants tried again, starts with a clean slate."""
        if before is not None and (after.video_no or before.state is State.FAILED):
            self._ctx.journal.forget_closings(after.id)


def _poison(trouble: Trouble) -> str:
    return (
        f"It was refused {MOST_CLOSINGS} times while other files were taken in between, so it is "
        f"the file and not the account. Nothing was billed for it. Last: {sentence(trouble.text)} "
        "Look at the file; to try it again: ingestd retry"
    )
