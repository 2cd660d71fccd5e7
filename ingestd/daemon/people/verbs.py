"""What people decide about rows: retry, approve, skip, link, forget (interface 3; rules R2, R3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd import validate
from ingestd.daemon.asking.ours import lost_was_found
from ingestd.daemon.intake.asked import Meant
from ingestd.lifecycle import events
from ingestd.lifecycle.people import approval
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.judging import Judging
    from ingestd.daemon.intake.seeing import Seeing
    from ingestd.model import Item

    #: Acts on one row by the arguments of the wish; "" or why not, as a sentence.
    Verb = Callable[[Item, Mapping[str, object]], str]

#: States whose rows may be forgotten: nothing is under way.
FORGETTABLE = frozenset(
    {State.PARSED, State.REJECTED, State.DUPLICATE, State.SKIPPED, State.GONE, State.FAILED}
)
#: States in which `skip` means something (interface 2).
SKIPPABLE = frozenset({State.HELD, State.QUEUED, State.REJECTED, State.FAILED})


class People:
    """The desk that does to one row what a person said."""

    def __init__(self, ctx: Context, seeing: Seeing, judging: Judging) -> None:
        self._ctx, self._seeing, self._judging = ctx, seeing, judging

    def verbs(self) -> dict[str, tuple[Verb, str]]:
        """Each verb with what it is called when it is done."""
        return {
            "retry": (self._retry, "tried again"),
            "approve": (self._approve, "approved"),
            "skip": (self._skip, "skipped; their content counts as known"),
            "link": (self._link, "linked; it is followed, not sent"),
            "forget": (self._forget, "forgotten; what was paid stays known"),
        }

    # --- retry ------------------------------------------------------------------------------

    def _retry(self, item: Item, args: Mapping[str, object]) -> str:
        pay_again = bool(args.get("pay_again"))
        if item.state is State.FAILED and not (pay_again and item.video_no):
            if item.video_no is None and (other := self._replaced_by(item)):
                return other
            self._ctx.apply(item, events.Wanted(pay_again=pay_again))
            return ""
        paid = item.video_no is not None or item.state is State.DUPLICATE
        if item.state is State.REJECTED or (pay_again and paid):
            return self._look_again(item, pay_again=pay_again)
        if item.state in (State.HELD, State.SKIPPED):
            return f"It is {item.state.value}: ingestd approve {item.id}"
        if paid:
            return "memories.ai has it already. Only --pay-again uploads it once more."
        return f"It is {item.state.value}: there is nothing to try again."

    def _look_again(self, item: Item, *, pay_again: bool = False) -> str:
        """Have the file judged anew; a person asked, so that the guard has no say in it."""
        if item.moved_to is not None:
            return f"An after-action moved it: ingestd add {item.moved_to!r}"
        if item.removed_at is not None:
            return "An after-action deleted it: there is no file any more."
        current = self._ctx.journal.current(item.path)
        if pay_again and current is not None and current.id != item.id:
            return f"Another file lies at its path by now: ingestd add --pay-again {item.path!r}"
        if not self._seeing.look_again(item.path):
            return f"It lies in no watched folder: ingestd add {item.path!r}"
        self._judging.asked.past_guard.add(item.path)
        if pay_again:
            self._judging.asked.pay_again[item.path] = Meant(item.stat, item.fingerprint)
        return ""

    # --- approve ----------------------------------------------------------------------------

    def _approve(self, item: Item, args: Mapping[str, object]) -> str:
        states = args.get("states")  # by filter: what was skipped meanwhile stays skipped
        if item.state is State.SKIPPED and isinstance(states, list) and item.state not in states:
            return f"It was skipped meanwhile. To take it after all: ingestd approve {item.id}"
        match item.state:
            case State.HELD | State.SKIPPED:
                return self._release(item, bulk=bool(args.get("bulk")))
            case State.QUEUED:
                return "" if item.approved else "It is queued already."
            case State.REJECTED:
                return self._accept(item)
            case State.FAILED:
                return f"It is failed: ingestd retry {item.id}"
            case _:
                return f"It is {item.state.value}: there is nothing to approve."

    def _release(self, item: Item, *, bulk: bool) -> str:
        if item.reason is Reason.UNCONFIRMED and bulk:
            return f"It may be paid already: only by its own number: ingestd approve {item.id}"
        size = item.stat.size if item.stat else 0
        if item.reason is Reason.OVERSIZE and size > validate.FAR_SIDE_MAX:
            return "It has over 3 GB, which memories.ai does not take: split it."
        if item.video_no is not None:  # it was paid and then skipped: only --pay-again pays twice
            return f"Video {item.video_no} is paid for it: ingestd retry --pay-again {item.id}"
        if other := self._replaced_by(item):
            return other
        self._ctx.apply(item, events.Approved())
        return ""

    def _replaced_by(self, item: Item) -> str:
        """Say it when another file lies at the row's path: there is nothing of it left to send."""
        stands = self._ctx.journal.current(item.path)
        if stands is None or stands.id == item.id:
            return ""
        return (
            f"Another file lies at its path now: file {stands.id}. What this one was is not there "
            f"any more, so nothing of it can be sent. See: ingestd show {stands.id}"
        )

    def _accept(self, item: Item) -> str:
        """Take a file with zeros at its end for complete: it is looked into once more (R5)."""
        if not validate.is_zero_tail(item.reason, item.detail):
            return f"Approving does not mend it ({item.reason}). See: ingestd show {item.id}"
        wall = self._ctx.now.wall
        approved = self._ctx.journal.revise(item, replace(item, approved=approval(item)), wall)
        self._ctx.journal.note(approved, "file.approved", wall, "Zeros at its end are taken as is.")
        return self._look_again(item)

    # --- skip, link, forget -----------------------------------------------------------------

    def _skip(self, item: Item, args: Mapping[str, object]) -> str:
        if item.state is State.SKIPPED:
            return ""
        if item.state not in SKIPPABLE:
            return f"It is {item.state.value}: there is nothing to skip."
        if item.reason is Reason.UNCONFIRMED and args.get("bulk"):
            return f"It may be paid already: only by its own number: ingestd skip {item.id}"
        self._ctx.apply(item, events.Skipped())
        return ""

    def _link(self, item: Item, args: Mapping[str, object]) -> str:
        number = str(args.get("video_no") or "")
        owner = self._ctx.journal.by_video_no(number)
        if not number:
            return "Say which video it is: ingestd link REF VIDEO_NO"
        if owner is not None and owner.id != item.id:
            return f"Video {number} belongs to file {owner.id} already: {owner.path!r}"
        if owner is not None:
            return ""  # done before
        if (item.state, item.reason) != (State.HELD, Reason.UNCONFIRMED):
            return f"It is {item.state.value}: only a file that is held: unconfirmed can be linked."
        detail = f"A person said that it is video {number}: it is followed, nothing is sent again."
        lost_was_found(self._ctx, item)
        self._ctx.count_paid(item, item.stat.size if item.stat else 0)
        self._ctx.apply(item, events.TakenIn(number, None, "linked", detail))
        return ""

    def _forget(self, item: Item, args: Mapping[str, object]) -> str:
        del args
        if item.state not in FORGETTABLE:
            return f"It is {item.state.value}: it can be forgotten when that has ended."
        self._ctx.journal.revise(item, replace(item, hidden=True), self._ctx.now.wall)
        return ""
