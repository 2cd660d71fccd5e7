"""What people ask for through commands: each wish is done once and answered in the journal.

Wishes about many rows are done in portions, one a step, each in one transaction: a hundred
thousand approved files hold up no upload. A wish that a crash cut off is done again from its
beginning at the next start: what was done already counts as done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestd.daemon.after.places import forget_places
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.intake.byhand import NOBODYS
from ingestd.errors import JournalError
from ingestd.model import GateName
from ingestd.watch.volumes import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.byhand import ByHand
    from ingestd.daemon.intake.seeing import Seeing
    from ingestd.daemon.messages import FoundByHand
    from ingestd.daemon.people.verbs import People, Verb
    from ingestd.daemon.sending.flights import Flights
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.journal import Wish

    Result = dict[str, object]

#: A wish that was done this long ago is forgotten, seconds.
KEEP_S = 7 * 86_400.0
#: Rows of one portion.
PORTION = 200


@dataclass(slots=True)
class _Progress:
    """How far a wish about rows has come."""

    next: int = 0  # position in its ids
    done: list[int] = field(default_factory=list)
    refused: list[dict[str, object]] = field(default_factory=list)


class Wishes:
    """The desk of the commands."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        flights: Flights,
        seeing: Seeing,
        people: People,
        by_hand: ByHand,
    ) -> None:
        self._ctx, self._keeper, self._flights = ctx, keeper, flights
        self._seeing, self._by_hand = seeing, by_hand
        self._under_way: set[int] = set()
        self._rows = people.verbs()
        self._progress: dict[int, _Progress] = {}
        self._more = False
        #: Acts on the words of `resume` before the gates do.
        self.on_resume: Callable[[frozenset[str]], None] = lambda _said: None
        self._verbs: dict[str, Callable[[Mapping[str, object]], Result]] = {
            "pause": self._pause,
            "resume": self._resume,
            "trust": self._trust,
        }

    def tick(self) -> float | None:
        """Do the next portion; say when to come again (monotonic)."""
        if self._more:
            self.act()
        return self._ctx.now.mono if self._more else None

    def act(self) -> None:
        """Do every wish that waits; of those about rows the first one's next portion."""
        self._more = worked = False
        for wish in self._ctx.journal.pending_wishes():
            if wish.id in self._under_way:
                continue
            if wish.verb == "add":
                self._under_way.add(wish.id)
                self._by_hand.ask(wish.id, wish.args)
            elif wish.verb not in self._rows:
                self._finish(wish.id, self._do(wish))
            elif worked:
                self._more = True  # in their order, so that files go in theirs
            else:
                worked = True
                self._more = not self._portion(wish) or self._more
        self._ctx.journal.purge_wishes(self._ctx.now.wall - KEEP_S)

    def found(self, message: FoundByHand) -> None:
        """An `add` was looked up."""
        result = self._by_hand.found(message)
        if message.wish != NOBODYS:
            self._finish(message.wish, result)

    def _finish(self, wish_id: int, result: Result) -> None:
        self._under_way.discard(wish_id)
        self._progress.pop(wish_id, None)
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
        except Exception as error:  # noqa: BLE001 - one that nobody can do must hold up no other
            return {"done": [], "refused": [], "text": self._broke(wish.verb, error)}

    def _broke(self, verb: str, error: Exception) -> str:
        if isinstance(error, JournalError):
            return f"It could not be recorded: {error}"
        self._ctx.log.error("loop.error", wish=verb, exc_info=error)
        return "It could not be done: a mistake in ingestd, or a wish that makes no sense."

    # --- about rows -------------------------------------------------------------------------

    def _portion(self, wish: Wish) -> bool:
        """Do the next portion of a wish about rows; tell whether that was the last."""
        before = self._progress.get(wish.id) or _Progress()
        now = _Progress(before.next, list(before.done), list(before.refused))
        ids = wish.args.get("ids")
        all_ids = ids if isinstance(ids, list) else []
        act, done = self._rows[wish.verb]
        with self._ctx.journal.transaction():
            for item_id in all_ids[now.next : now.next + PORTION]:
                why = self._act(wish, act, item_id)
                if why:
                    now.refused.append({"id": item_id, "why": why})
                else:
                    now.done.append(int(item_id))
            now.next += PORTION
            over = now.next >= len(all_ids)
            if over:
                self._finish(wish.id, _told(now, done))
        if not over:
            self._progress[wish.id] = now
        return over

    def _act(self, wish: Wish, act: Verb, item_id: object) -> str:
        """Act on one row; "" or why not. One that nobody can do undoes only itself."""
        try:
            with self._ctx.journal.transaction():
                item = self._ctx.journal.item(int(str(item_id)))
                return "It is not in the journal." if item is None else act(item, wish.args)
        except NOT_NOW:
            raise  # the wish waits
        except Exception as error:  # noqa: BLE001 - one that nobody can do must hold up no other
            return self._broke(wish.verb, error)

    # --- about uploading --------------------------------------------------------------------

    def _pause(self, args: Mapping[str, object]) -> Result:
        until = args.get("until")
        self._keeper.hold(GateName.PAUSED, float(until) if isinstance(until, int | float) else None)
        if args.get("now"):
            for flight in self._flights.under_way:
                flight.stop.set()
        return {"done": [], "refused": [], "text": "Paused: no further upload starts."}

    def _resume(self, args: Mapping[str, object]) -> Result:
        said = frozenset(word for word, meant in args.items() if meant is True)
        self.on_resume(said)
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


def _told(progress: _Progress, done: str) -> Result:
    text = f"{len(progress.done)} {done}"
    if progress.refused:
        text += f", {len(progress.refused)} not"
    return {"done": progress.done, "refused": progress.refused, "text": f"{text}.", "how": done}
