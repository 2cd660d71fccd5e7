"""Does the key belong to the account whose videos the journal knows (rules R3)?

After a change of key or address nothing is sent, and no answer about a video counts, until the far
side has shown that it knows one of our last videos: the new key may be of another account, where
each question is answered with "never heard of it".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ingestd import gates
from ingestd.daemon.messages import AccountAsked
from ingestd.journal.reading import HIGHEST
from ingestd.lifecycle import events
from ingestd.model import GateName, Scope, State
from ingestd.remote.contract import Failed, Refusal, Trouble

if TYPE_CHECKING:
    from ingestd.daemon.asking.lane import Asking
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Item

LANE: Final = "ask"
#: Meta key: the key (as a hash) and the address that are known to be of the account in use.
SHOWN: Final = "account_shown_by"
#: So many of our last videos are asked for.
VIDEOS: Final = 3
#: The question is asked again after seconds when no answer came, at first and at most.
AGAIN_S, AGAIN_MOST_S = 5.0, 300.0
#: Failed rows that are still asked daily: more than there can be.
_MOST: Final = 1_000_000
#: The words of `resume` that answer the gate.
NEW, SAME = "new_account", "same_account"


class Account:
    """The desk that knows whose account the key opens."""

    def __init__(self, ctx: Context, keeper: Gatekeeper, asking: Asking) -> None:
        self._ctx, self._keeper, self._asking = ctx, keeper, asking
        self._shown_by: dict[str, str] = {}
        self._under_way = self._refused = False
        self._asked_with = 0
        self._wait, self._next = 0.0, 0.0
        self._known_in: int | None = None  # an earlier account that the key was shown to open
        self._meant = False  # a person said that another account is meant
        self.verified = True

    def use(self, digest: str, base_url: str) -> None:
        """Name the key, as a hash, and the address that are in use now."""
        named = {"key": digest, "base_url": base_url}
        if self._shown_by and named != self._shown_by:
            self._asking.keys += 1
        self._shown_by = named
        before = self._ctx.journal.meta(SHOWN)
        if before == self._shown_by:
            self._is_ours()
        elif before is None or not self._ctx.journal.last_paid(1):
            self._is_ours()  # nothing is known that another account could not know
        else:
            self.verified = self._refused = False
            self._next = self._wait = 0.0

    def _is_ours(self) -> None:
        self.verified = True
        if self._ctx.journal.meta(SHOWN) != self._shown_by:
            self._ctx.journal.set_meta(SHOWN, self._shown_by)
        self._meant = False
        if self._asks:
            self._keeper.open(GateName.AUTH)

    @property
    def _asks(self) -> bool:
        """Tell whether a person was asked about another account."""
        auth = (gate for gate in self._keeper.closed if gate.name is GateName.AUTH)
        return any(gates.asked(gate) == NEW for gate in auth)

    def tick(self) -> float | None:
        """Ask for our last videos; say when to come again (monotonic)."""
        if self.verified or self._refused or self._under_way or self._ctx.stopping:
            return None
        if (until := max(self._next, self._asking.pause_until)) > self._ctx.now.mono:
            return until
        self._under_way, self._asked_with = True, self._asking.keys
        far, wanted = self._ctx.far, self._wanted()

        def job() -> AccountAsked:
            for item in wanted:
                video = far.metadata(item.video_no or "", Scope.parse(item.scope or ""))
                if isinstance(video, Failed):
                    return AccountAsked(None, (), video.trouble)
                if video is not None:
                    return AccountAsked(item.account, (video.video_no,))
            return AccountAsked(None, tuple(item.video_no or "" for item in wanted))

        broke = AccountAsked(None, (), Trouble(Refusal.GARBLED, "the question broke"))
        self._ctx.workers.submit(LANE, job, broke)
        return None

    def _wanted(self) -> list[Item]:
        """Our last videos, then one of each account that was in use before."""
        journal = self._ctx.journal
        wanted = [*journal.last_paid(VIDEOS)]
        for number in range(1, self._highest() + 1):
            if number != journal.account:
                wanted += journal.last_paid(1, account=number)
        return wanted

    def asked(self, message: AccountAsked) -> None:
        """Take in whether it knows them."""
        self._under_way = False
        if self._asked_with != self._asking.keys:
            return  # it is asked anew with the key that is in use by now
        if message.trouble is not None:
            self._asking.failed(message.trouble, [])
            # a refused key is asked with again too: what a question closed, a question opens
            self._wait = min(AGAIN_MOST_S, max(AGAIN_S, self._wait * 2))
            self._next = self._ctx.now.mono + self._wait
            return
        self._asking.answered()
        if message.known_in == self._ctx.journal.account:
            self._is_ours()
            return
        self._known_in, self._refused = message.known_in, True
        if self._meant:
            self._move_on()
            return
        if self._known_in is not None:
            what = "It opens an account that was in use before; "
        else:
            what = f"It knows none of our last videos ({', '.join(message.asked)}); "
        self._keeper.hold(
            GateName.AUTH,
            detail=(
                f"This key belongs to another account. {what}nothing is sent, for there each clip "
                "would be paid for anew. Put the right key in its place. If the other account is "
                "meant: ingestd resume --new-account. If those videos were deleted there and it is "
                "the same account: ingestd resume --same-account"
            ),
            asks=NEW,
        )

    # --- what a person says -------------------------------------------------------------------

    def say(self, said: frozenset[str]) -> None:
        """Act on the words of `resume`; without one the question is asked once more."""
        self._meant = NEW in said and self._asks
        if self.verified:  # or the wish came before the question, at a start
            return
        if SAME in said:
            self._is_ours()
        elif self._meant:
            self._move_on()
        else:
            self._refused, self._next = False, 0.0

    def _move_on(self) -> None:
        """Go on with another account: what the old one holds counts there alone."""
        journal = self._ctx.journal
        number = self._known_in or self._highest() + 1
        with journal.transaction():
            if number > self._highest():
                journal.set_meta(HIGHEST, number)
            journal.use_account(number)
            for state in (State.CONFIRMING, State.INDEXING):
                for item in journal.in_state(state):
                    if item.account != number:
                        self._ctx.apply(item, events.LeftBehind(_left_behind(item)))
            for item in journal.due(State.FAILED, math.inf, _MOST):
                if item.account != number:
                    self._ctx.apply(item, events.LeftBehind(item.detail or ""))
        self._is_ours()

    def _highest(self) -> int:
        kept = self._ctx.journal.meta(HIGHEST, 1)
        return kept if isinstance(kept, int) else 1


def _left_behind(item: Item) -> str:
    if item.state is State.CONFIRMING:
        return (
            "Its answer was lost, and then the key was changed to another account: nobody can be "
            "asked whether it arrived. It may have been billed at the account before; it is not "
            "sent again by itself."
        )
    return (
        f"Uploaded and billed as {item.video_no} at the account that was in use before; the key of "
        "another one cannot follow it. It is not uploaded again by itself."
    )
