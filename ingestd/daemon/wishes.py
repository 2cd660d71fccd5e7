"""What people ask for through commands: each wish is done once and answered in the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.places import forget_places
from ingestd.errors import JournalError
from ingestd.lifecycle import events
from ingestd.model import GateName, State
from ingestd.watch.volumes import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.byhand import ByHand
    from ingestd.daemon.context import Context
    from ingestd.daemon.flights import Flights
    from ingestd.daemon.gatekeeper import Gatekeeper
    from ingestd.daemon.judging import Judging
    from ingestd.daemon.messages import FoundByHand
    from ingestd.daemon.seeing import Seeing
    from ingestd.journal import Wish
    from ingestd.model import Item

    Result = dict[str, object]

#: A wish that was done this long ago is forgotten, seconds.
KEEP_S = 7 * 86_400.0
#: States whose rows may be forgotten: nothing is under way.
FORGETTABLE = frozenset(
    {State.PARSED, State.REJECTED, State.DUPLICATE, State.SKIPPED, State.GONE, State.FAILED}
)


class Wishes:
    """The desk of the commands."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        flights: Flights,
        seeing: Seeing,
        judging: Judging,
        by_hand: ByHand,
    ) -> None:
        self._ctx, self._keeper, self._flights = ctx, keeper, flights
        self._seeing, self._judging, self._by_hand = seeing, judging, by_hand
        self._under_way: set[int] = set()
        self._verbs: dict[str, Callable[[Mapping[str, object]], Result]] = {
            "retry": self._retry,
            "forget": self._forget,
            "pause": self._pause,
            "resume": self._resume,
            "trust": self._trust,
        }

    def act(self) -> None:
        """Do every wish that waits."""
        for wish in self._ctx.journal.pending_wishes():
            if wish.id in self._under_way:
                continue
            if wish.verb == "add":
                self._under_way.add(wish.id)
                self._by_hand.ask(wish.id, wish.args)
            else:
                self._finish(wish.id, self._do(wish))
        self._ctx.journal.purge_wishes(self._ctx.now.wall - KEEP_S)

    def found(self, message: FoundByHand) -> None:
        """An `add` was looked up."""
        self._finish(message.wish, self._by_hand.found(message))

    def _finish(self, wish_id: int, result: Result) -> None:
        self._under_way.discard(wish_id)
        self._ctx.journal.finish_wish(wish_id, self._ctx.now.wall, result)
        self._ctx.log.info("wish.done", wish=wish_id, detail=result.get("text"))

    def _do(self, wish: Wish) -> Result:
        verb = self._verbs.get(wish.verb)
        if verb is None:
            text = f"This ingestd does not know {wish.verb}: is the command of another version?"
            return {"done": [], "refused": [], "text": text}
        try:
            return verb(wish.args)
        except NOT_NOW:
            raise  # the wish waits
        except JournalError as error:
            return {"done": [], "refused": [], "text": f"It could not be recorded: {error}"}
        except Exception:  # one that nobody can do must hold up no other, now or at a start
            self._ctx.log.exception("loop.error", wish=wish.verb)
            text = "It could not be done: a mistake in ingestd, or a wish that makes no sense."
            return {"done": [], "refused": [], "text": text}

    def _each(self, args: Mapping[str, object], act: Callable[[Item], str], done: str) -> Result:
        """Act on each row; `act` answers "" or why not."""
        acted: list[int] = []
        refused: list[dict[str, object]] = []
        ids = args.get("ids")
        for item_id in ids if isinstance(ids, list) else []:
            item = self._ctx.journal.item(int(item_id))
            why = "It is not in the journal." if item is None else act(item)
            if why:
                refused.append({"id": item_id, "why": why})
            else:
                acted.append(int(item_id))
        text = f"{len(acted)} {done}" + (f", {len(refused)} not" if refused else "")
        return {"done": acted, "refused": refused, "text": text + "."}

    def _retry(self, args: Mapping[str, object]) -> Result:
        pay_again = bool(args.get("pay_again"))
        return self._each(args, lambda item: self._retry_one(item, pay_again), "tried again")

    def _retry_one(self, item: Item, pay_again: bool) -> str:  # noqa: FBT001 - one word of the wish
        if item.state is State.FAILED and not (pay_again and item.video_no):
            self._ctx.apply(item, events.Wanted(pay_again=pay_again))
            return ""
        paid = item.video_no is not None or item.state is State.DUPLICATE
        if item.state is State.REJECTED or (pay_again and paid):
            if pay_again:
                self._judging.pay_again.add(item.path)
            if self._seeing.look_again(item.path):
                return ""
            self._judging.pay_again.discard(item.path)
            return f"It lies in no watched folder: ingestd add {item.path!r}"
        if paid:
            return "memories.ai has it already. Only --pay-again uploads it once more."
        return f"It is {item.state.value}: there is nothing to try again."

    def _forget(self, args: Mapping[str, object]) -> Result:
        def forget(item: Item) -> str:
            if item.state not in FORGETTABLE:
                return f"It is {item.state.value}: it can be forgotten when that has ended."
            hidden = replace(item, hidden=True)
            self._ctx.journal.revise(item, hidden, self._ctx.now.wall)
            return ""

        return self._each(args, forget, "forgotten; what was paid stays known")

    def _pause(self, args: Mapping[str, object]) -> Result:
        until = args.get("until")
        self._keeper.hold(GateName.PAUSED, float(until) if isinstance(until, int | float) else None)
        if args.get("now"):
            for flight in self._flights.under_way:
                flight.stop.set()
        return {"done": [], "refused": [], "text": "Paused: no further upload starts."}

    def _resume(self, args: Mapping[str, object]) -> Result:
        said = frozenset(word for word, meant in args.items() if meant is True)
        resumed = self._keeper.resume(said)
        trying = ", ".join(name.value for name in resumed.trying)
        text = f"Going on; {trying}: one upload tries first." if trying else "Going on."
        text = " ".join((text, *resumed.told))
        for gate in resumed.left:
            text += f" Still closed, {gate.name.value}: {gate.detail}"
        return {"done": [], "refused": [], "text": text}

    def _trust(self, args: Mapping[str, object]) -> Result:
        volume = read_volume(args.get("volume"))
        watched = self._seeing.watched.get(str(args.get("folder")))
        if watched is None or volume is None:
            return {"done": [], "refused": [], "text": "This folder is not watched (any more)."}
        self._seeing.trust(watched, volume)
        forget_places(self._ctx.journal, watched.folder)
        text = f"{watched.name}: {volume.words} is accepted. It is scanned now."
        return {"done": [], "refused": [], "text": text}
