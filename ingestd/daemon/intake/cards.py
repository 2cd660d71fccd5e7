"""Cards: files wait until their marker or checksum list is there (`done_marker`, `wait_for_mhl`).

A card is the first directory below the watched folder, or the folder itself for what lies directly
in it. Each card that has files waiting is looked at by one job at a time, every `poll_interval` or
as soon as something like a marker or a list appears there; what it releases goes on at once. What
waited for `marker_timeout` of running time is held for a person; a list that comes after that is
heeded all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from ingestd.checksums.around import Around, look_around
from ingestd.checksums.names import is_list_name
from ingestd.checksums.root import Root
from ingestd.daemon.messages import CardLooked
from ingestd.journal import Selection
from ingestd.model import Reason, State
from ingestd.watch.patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Folder
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.opening import Openings
    from ingestd.model import Item
    from ingestd.settle import Candidate, SettleTracker

#: What a look found is believed for this long at most, seconds.
FRESH_S = 60.0
#: Cards of which nothing waits are forgotten after this, seconds.
FORGET_S = 3600.0
#: Cards whose files are held are looked at this seldom at most, seconds.
HELD_S = 300.0


@dataclass(slots=True)
class _Card:
    """One card; times are monotonic."""

    folder: str
    waiting: dict[str, float] = field(default_factory=dict)  # until when, at most
    held: set[str] = field(default_factory=set)  # rows that a list may still release
    around: Around = field(default_factory=Around)
    looked_at: float | None = None
    next_look: float = 0.0
    looking: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a settled file may be looked into."""

    waits: str = ""  # why not yet, words for a person
    hold: str = ""  # it waited for too long: held with this sentence if it is valid
    verify: bool = False  # its content is compared with its list


class Cards:
    """The desk of markers and lists."""

    def __init__(
        self,
        ctx: Context,
        tracker: SettleTracker,
        folder_of: Callable[[str], Folder | None],
        openings: Openings,
        look_again: Callable[[str], object],
    ) -> None:
        """Take the desk.

        Args:
            ctx: the loop's surroundings.
            tracker: the files that settle.
            folder_of: names the watched folder of a path.
            openings: names a folder's root, and the lane in which it may be touched.
            look_again: has a held file looked into again.
        """
        self._ctx, self._tracker, self._folder_of = ctx, tracker, folder_of
        self._openings, self._look_again = openings, look_again
        self._cards: dict[str, _Card] = {}
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed what comes late for every file that is held, where it is asked for (again)."""
        held = Selection(
            states=frozenset({State.HELD}), reasons=frozenset({Reason.NO_CHECKSUM_LIST})
        )
        for item in self._ctx.journal.items(held):
            self.renamed(item)

    def renamed(self, item: Item) -> None:
        """A file has another path: one that is held waits for the list of its card there."""
        folder = self._folder_of(item.path)
        held = item.state is State.HELD and item.reason is Reason.NO_CHECKSUM_LIST
        if held and folder is not None and is_asked_for(folder):
            self._card(folder, item.path).held.add(item.path)

    @property
    def busy(self) -> bool:
        """Tell whether a card is being looked at, or would be if its turn came now."""
        mono = self._ctx.now.mono
        due = (one for one in self._cards.values() if one.waiting and one.next_look <= mono)
        return any(one.looking for one in self._cards.values()) or any(due)

    # --- asked by the judge -----------------------------------------------------------------

    def standing(self, candidate: Candidate) -> Standing:
        """Say whether a settled file waits for its marker or list."""
        path, mono = candidate.path, self._ctx.now.mono
        folder = self._folder_of(path)
        if folder is None or not is_asked_for(folder):
            return Standing()
        card = self._card(folder, path)
        stale = card.looked_at is None or mono - card.looked_at > FRESH_S
        missing = _missing(folder, card.around, path)
        if not missing and not stale:
            card.waiting.pop(path, None)
            return Standing(verify=folder.wait_for_mhl)
        since, looked_at = candidate.unfinished_since, card.looked_at
        waited = looked_at - since if since is not None and looked_at is not None else 0.0
        if missing and waited and waited >= folder.marker_timeout:
            return Standing(hold=self.hold(folder, path, missing))
        self._wait(folder, candidate)
        if stale:
            card.next_look = min(card.next_look, mono)
        return Standing(waits=f"waits for its card: {missing or 'it is looked at now'}")

    def hold(self, folder: Folder, path: str, why: str) -> str:
        """A file waited for too long: what comes late is still heeded; the sentence of its row."""
        card = self._card(folder, path)
        card.waiting.pop(path, None)
        card.held.add(path)
        return (
            f"It waited {_span(folder.marker_timeout)} for its card: {why}. Nothing was uploaded "
            "or billed. Copy the card again with its list, or take the file unchecked: ingestd "
            "approve"
        )

    def unlisted(self, candidate: Candidate, why: str) -> str:
        """A list is there and does not name this file: it waits for another one.

        Returns:
            "", or the sentence with which it is held because it waited for too long.
        """
        path, mono, since = candidate.path, self._ctx.now.mono, candidate.unfinished_since
        folder = self._folder_of(path)
        if folder is None:
            return ""
        if since is not None and mono - since >= folder.marker_timeout:
            return self.hold(folder, path, why)
        self._tracker.unfinished(path, f"waits for its card: {why}", mono)
        self._wait(folder, candidate)
        return ""

    def _wait(self, folder: Folder, candidate: Candidate) -> None:
        """Remember until when a file waits: then its card is looked at once more."""
        since, card = candidate.unfinished_since, self._card(folder, candidate.path)
        until = (self._ctx.now.mono if since is None else since) + folder.marker_timeout
        card.waiting[candidate.path] = until
        card.next_look = min(card.next_look, max(until, self._ctx.now.mono + 1.0))

    # --- looking ----------------------------------------------------------------------------

    def hinted(self, path: str) -> None:
        """Something happened at a path that is no video's: look if it may be what is awaited."""
        folder = self._folder_of(path)
        if not self._cards or folder is None or not is_asked_for(folder):
            return
        relative = path[len(str(folder.path).rstrip("/")) + 1 :]
        marked = folder.done_marker is not None and _patterns(folder.done_marker).match(relative)
        if not (marked or is_list_name(path.rpartition("/")[2])):
            return
        for card in self._cards.values():
            if card.folder == folder.name:
                card.next_look = self._ctx.now.mono

    def tick(self) -> float | None:
        """Start the looks that are due; say when to come again (monotonic)."""
        if self._ctx.stopping:
            return None
        mono = self._ctx.now.mono
        for place, card in list(self._cards.items()):
            card.waiting = {
                path: until for path, until in card.waiting.items() if path in self._tracker
            }
            if not (card.waiting or card.held or card.looking):
                if card.looked_at is not None and mono - card.looked_at > FORGET_S:
                    del self._cards[place]
            elif card.next_look <= mono and not card.looking:
                self._look(place, card)
        wanted = [one for one in self._cards.values() if one.waiting or one.held]
        return min((one.next_look for one in wanted if not one.looking), default=None)

    def _look(self, place: str, card: _Card) -> None:
        paths = frozenset(card.waiting).union(card.held)
        one = next(iter(paths))
        folder, root = self._folder_of(one), self._openings.root_of(one)
        if folder is None or root is None or not is_asked_for(folder):  # not any more
            self._tracker.force(*card.waiting)
            del self._cards[place]
            return
        card.looking = True
        marker, lists = folder.done_marker, folder.wait_for_mhl
        self._ctx.workers.submit(
            self._openings.lane_of(root.path),
            lambda: CardLooked(place, look_around(root, paths, marker, lists=lists)),
            CardLooked(place, Around()),
        )

    def looked(self, message: CardLooked) -> None:
        """Release what its marker or list is there for."""
        card = self._cards.get(message.card)
        if card is None:
            return
        mono = self._ctx.now.mono
        card.looking, card.looked_at, card.around = False, mono, message.around
        for path in list(card.held):
            folder = self._folder_of(path)
            if folder is None or not self._is_held(path):
                card.held.discard(path)
            elif not _missing(folder, card.around, path):
                card.held.discard(path)
                self._look_again(path)
        over = [path for path, until in card.waiting.items() if until <= mono]
        free = [path for path in card.waiting if not self._waits(card, path)]
        self._tracker.force(*over, *free)
        folder = self._folder_of(message.card) or self._folder_of(message.card + "/-")
        interval = folder.poll_interval if folder else FRESH_S
        card.next_look = mono + (interval if card.waiting else max(interval, HELD_S))
        ends = (until for until in card.waiting.values() if until > mono)
        card.next_look = min(card.next_look, min(ends, default=card.next_look))

    def _waits(self, card: _Card, path: str) -> bool:
        folder = self._folder_of(path)
        return folder is not None and bool(_missing(folder, card.around, path))

    def _is_held(self, path: str) -> bool:
        item = self._ctx.journal.current(path)
        return (
            item is not None and item.state is State.HELD and item.reason is Reason.NO_CHECKSUM_LIST
        )

    def _card(self, folder: Folder, path: str) -> _Card:
        return self._cards.setdefault(card_of(str(folder.path), path), _Card(folder.name))


def _span(seconds: float) -> str:
    for unit, word in ((86_400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {word}"
    return f"{seconds:.3g} s"


def missing_now(folder: Folder, path: str) -> str:
    """Look what a file waits for; "": nothing. Blocks: for commands, not for the loop."""
    if not is_asked_for(folder):
        return ""
    root = Root(str(folder.path), folder.follow_symlinks)
    around = look_around(root, [path], folder.done_marker, lists=folder.wait_for_mhl)
    return _missing(folder, around, path)


def is_asked_for(folder: Folder) -> bool:
    """Tell whether a folder's files wait for anything."""
    return folder.done_marker is not None or folder.wait_for_mhl


def card_of(root: str, path: str) -> str:
    """The directory of a file's card: the first one below the folder, or the folder itself."""
    start = len(root.rstrip("/")) + 1
    end = path.find("/", start)
    return root if end == -1 else path[:end]


def _missing(folder: Folder, around: Around, path: str) -> str:
    """What a file waits for; "": nothing."""
    root = Root(str(folder.path))
    if folder.done_marker is not None and not around.is_released(path, root):
        return f"no marker {folder.done_marker} is there yet"
    if folder.wait_for_mhl and not around.is_listed(path, root):
        return "no checksum list (MHL) is there yet"
    return ""


@cache
def _patterns(marker: str) -> Patterns:
    return Patterns((marker,))
