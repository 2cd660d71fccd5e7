"""Suspicion and proof of equal content (rules R4): a sample suspects, the full hash decides.

Of the same scope it makes a duplicate; of another scope, where it is paid for as well, the file is
held until a person says that it is to be paid for there too (rules R3).
"""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from ingestd.daemon.asking import jobs
from ingestd.daemon.intake.placing import PAID_ELSEWHERE, skip
from ingestd.daemon.messages import Hashed
from ingestd.journal import DamagedRowError
from ingestd.lifecycle import events
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.brake import Brake
    from ingestd.model import Item, Stat

LANE = "hash"
#: A suspect whose file is another one now is weighed again this soon, seconds: what a look at it
#: finds need not move its row.
AGAIN_S = 60.0
#: Suspects weighed in one turn; the rest of the lap follows in the next ones, so that neither the
#: loop waits for thousands nor those behind ones that wait long are forgotten.
MOST = 100
#: Where a lap begins.
FIRST = (0, 0)
#: A row in one of these will still be read in full by its own upload: its hash is waited for.
WILL_BE_SENT = frozenset({State.QUEUED, State.UPLOADING, State.CONFIRMING})
#: A row that comes back to `queued` from these was weighed before.
SUSPECTED = frozenset({State.QUEUED, State.UPLOADING, State.CONFIRMING})
#: Ended without a video: no original any more.
NO_ORIGINAL = frozenset({State.GONE, State.REJECTED, State.DUPLICATE})


class Contents:
    """The desk that decides whether a suspect is a duplicate."""

    def __init__(
        self,
        ctx: Context,
        opener: Callable[[Item], Callable[[], int]],
        is_away: Callable[[Item], bool],
        brake: Brake,
    ) -> None:
        """Take the desk.

        Args:
            ctx: the loop's surroundings.
            opener: gives a function that opens a row's file, safely.
            is_away: tells whether a row's folder or disk is configured and not there now.
            brake: the guard.
        """
        self._ctx, self._opener, self._is_away, self._brake = ctx, opener, is_away, brake
        self._hashing: dict[int, str] = {}  # rows whose file is being read, at which path
        self._unreadable: set[int] = set()
        self._changed: dict[int, Stat] = {}  # no longer the file that was judged, by that Stat
        self._stop = threading.Event()
        self._look_again = True
        self._lap: tuple[int, int] | None = None  # the suspects up to here were weighed in this lap
        self._again_at = math.inf  # monotonic; what a suspect waits for may come without a move
        ctx.listeners.append(self._moved)

    @property
    def busy(self) -> bool:
        """Tell whether a file is being read."""
        return bool(self._hashing)

    def close(self) -> None:
        """End the reading."""
        self._stop.set()

    def tick(self) -> float | None:
        """Weigh the suspects anew when something moved; say when to come again (monotonic)."""
        if self._lap is None:
            if not self._look_again and self._ctx.now.mono < self._again_at:
                return self._next()
            if self._ctx.now.mono >= self._again_at:
                self._changed.clear()  # no look at it has moved its row: it is read again
            self._look_again, self._again_at, self._lap = False, math.inf, FIRST
        try:
            suspects, self._lap = self._ctx.journal.suspects(MOST, self._lap)
            for item in suspects:
                if item.state is State.QUEUED and item.id not in self._hashing:
                    self._weigh_alone(item)
        except Exception:
            self._look_again = True  # the others are weighed at the next turn
            raise
        return self._next() if self._lap is None else self._ctx.now.mono

    def _next(self) -> float | None:
        return None if self._again_at == math.inf else self._again_at

    def _weigh_alone(self, item: Item) -> None:
        """Weigh one suspect; a damaged row among its originals holds up no other (rules R8)."""
        try:
            self._weigh(item)
        except DamagedRowError as error:
            self._ctx.log.warning("journal.trouble", id=item.id, path=item.path, detail=str(error))

    def hashed(self, message: Hashed) -> None:
        """Keep a hash, then weigh again."""
        path = self._hashing.pop(message.item_id, None)
        self._look_again = True
        item = self._ctx.journal.item(message.item_id)
        if item is None:
            return
        if item.path != path and message.digest is None:
            return  # it was renamed meanwhile: what lies at its old path says nothing
        if message.stat is None or item.stat is None:
            self._unreadable.add(item.id)
            return
        same = message.stat.same_content_as(item.stat)
        if message.digest is not None and same:
            hashed = replace(item, content_hash=message.digest)
            self._ctx.journal.revise(item, hashed, self._ctx.now.wall)
        elif message.digest is None and not same:
            self._changed[item.id] = item.stat
        # else the row learnt of a change while the file was read: it is read again

    def renamed(self, item: Item) -> None:
        """A file has another path: what could not be read there may be read here."""
        self._unreadable.discard(item.id)
        self._changed.pop(item.id, None)
        self._look_again = True

    def is_suspect(self, item: Item) -> bool:
        """Tell whether a file, once queued, would have to be compared with another one."""
        return self._suspected_of(item) is not None

    def _suspected_of(self, item: Item) -> Item | None:
        journal = self._ctx.journal
        if not self._is_compared(item):
            return next(journal.rivals(item), None)
        return next(
            chain(journal.originals(item), self._paid_elsewhere(journal.originals, item)), None
        )

    def _is_compared(self, item: Item) -> bool:
        """Tell whether a copy of what is paid is not to be paid for."""
        return not item.pay_again and self._ctx.settings.upload.dedupe

    @staticmethod
    def _paid_elsewhere(rows: Callable[..., Iterator[Item]], item: Item) -> Iterator[Item]:
        """Of other scopes, where it is paid for as well; none if a person wants it here, too."""
        return iter(()) if Reason.OTHER_SCOPE in item.approved else rows(item, elsewhere=True)

    def _weigh(self, item: Item) -> None:
        journal, elsewhere = self._ctx.journal, self._paid_elsewhere
        if not self._is_compared(item):
            if not self._waits_for(item, journal.rivals(item)):
                self._clear(item)
            return
        hashed = chain(journal.hashed_originals(item), elsewhere(journal.hashed_originals, item))
        if item.content_hash is None and next(hashed, None) is not None:
            if self._known_unreadable(item):
                self._unread(item)
            elif self._changed.get(item.id) != item.stat:
                self._hash(item)
            else:  # the next look at it decides, and may find that it was merely renamed over
                self._again_at = self._ctx.now.mono + AGAIN_S
            return
        if (equal := next(journal.equal_originals(item), None)) is not None:
            self._ctx.apply(item, events.SameContent(equal.id, equal.content_hash or ""))
        elif not self._waits_for(item, journal.undecided_originals(item)):
            equal = next(elsewhere(journal.equal_originals, item), None)
            if equal is not None:
                self._ctx.apply(item, _paid_elsewhere(item, equal))
            elif not self._waits_for(item, elsewhere(journal.undecided_originals, item)):
                self._clear(item)

    def _unread(self, item: Item) -> None:
        """Its upload finds out what is wrong with a file, as soon as it may be under way.

        Not while its folder is away, or not looked at yet after a start: it is read when it is
        back; nor beside another one of its sample.
        """
        if not self._is_away(item) and not self._waits_for(item, self._undecided(item)):
            self._clear(item)

    def _undecided(self, item: Item) -> Iterator[Item]:
        rows = self._ctx.journal.undecided_originals
        return chain(rows(item), self._paid_elsewhere(rows, item))

    def _waits_for(self, item: Item, others: Iterable[Item]) -> bool:
        """Wait for the first row's hash, from its sending or by reading it, or for its end.

        Two with one sample are never under way together, even if they are known to differ: they
        share their token, so that a lost answer could not be told from the other's.
        """
        for row in others:
            if row.state not in WILL_BE_SENT:
                if self._known_unreadable(row) and self._is_away(row):
                    return self._waits_until_back(item, row)
                if self._known_unreadable(row) or self._changed.get(row.id) == row.stat:
                    continue  # neither to be had
                self._hash(row)
            if row.id != item.suspect_of:
                waiting = replace(item, suspect_of=row.id)
                self._ctx.journal.revise(item, waiting, self._ctx.now.wall)
            return True
        return False

    def _waits_until_back(self, item: Item, row: Item) -> bool:
        """The other file lies where nobody can read it now; it may hold this very content.

        That is no "not to be had" (rules R4): the folder comes back, and then its file is read.
        """
        detail = (
            f"It may be a copy of file {row.id}, which is known; that one lies in folder "
            f"{row.folder}, which is away. It is compared when the folder is back. To pay for it "
            f"all the same: ingestd add --pay-again {item.path!r}"
        )
        if item.suspect_of != row.id or item.detail != detail:
            waiting = replace(item, suspect_of=row.id, detail=detail)
            self._ctx.journal.revise(item, waiting, self._ctx.now.wall)
        return True

    def folder_mended(self, name: str) -> None:
        """A folder is in order again: what could not be read there may be read now."""
        del name
        self._unreadable.clear()
        self._look_again = True

    def _known_unreadable(self, item: Item) -> bool:
        return item.id in self._unreadable or item.stat is None

    def _hash(self, item: Item) -> None:
        if item.id in self._hashing or item.stat is None:
            return
        self._hashing[item.id] = item.path
        item_id, stat, open_file, stop = item.id, item.stat, self._opener(item), self._stop
        self._ctx.workers.submit(
            f"{LANE} {item.folder or ''}",
            lambda: jobs.hash_file(item_id, stat, open_file, stop),
            Hashed(item_id, None, None),
        )

    def _clear(self, item: Item) -> None:
        wall = self._ctx.now.wall  # a suspect is never due, so that no step of the clock moved it
        due = min(item.next_attempt_at or wall, wall)
        cleared = replace(item, suspect_of=None, next_attempt_at=due)
        with self._ctx.journal.transaction():
            new = self._ctx.journal.revise(item, cleared, self._ctx.now.wall)
            held = None if new.approved or new.pay_again else self._brake.holds(new)
            if held is not None:
                self._ctx.apply(new, held)

    def _moved(self, before: Item | None, after: Item) -> None:
        """A row moved: suspects may be decided, duplicates may have lost their original."""
        self._look_again = True
        if after.state is State.QUEUED and (before is None or before.state not in SUSPECTED):
            self._suspect(after)
        if after.state is State.INDEXING and after.content_hash is None:
            self._hash(after)  # adopted or found: its bytes are known while its file is still there
        if before is None or after.video_no is not None:
            return
        ended = after.state in NO_ORIGINAL or after.state is State.FAILED
        if ended and before.state is not after.state:
            self._hand_over(before, after)

    def _suspect(self, item: Item) -> None:
        """A row was queued: look up (size, sample) in the same transaction (rules R4)."""
        other = self._suspected_of(item)
        if other is not None:
            suspect = replace(item, suspect_of=other.id)
            self._ctx.journal.revise(item, suspect, self._ctx.now.wall)

    def _hand_over(self, before: Item, original: Item) -> None:
        """A row ended without a video: its oldest living duplicate takes its place (rules R4).

        Its place: what was held waits for a person still, what was skipped is skipped.
        """
        heirs = [
            one
            for one in self._ctx.journal.duplicates_of(original.id)
            if one.state is State.DUPLICATE
        ]
        if not heirs:
            return
        heir, others = heirs[0], heirs[1:]
        heir = self._ctx.journal.revise(
            heir, replace(heir, approved=before.approved), self._ctx.now.wall
        )
        detail = f"File {original.id} with the same content ended without a video: this one "
        if before.state is State.SKIPPED:
            skip(self._ctx, heir)
        elif before.state is State.HELD:
            detail += f"waits in its place. {before.detail or ''}"
            self._ctx.apply(heir, events.Judged(State.HELD, before.reason, detail))
        else:
            self._ctx.apply(heir, events.Judged(State.QUEUED, None, f"{detail}goes."))
        for other in others:
            moved = replace(other, duplicate_of=heir.id)
            self._ctx.journal.revise(other, moved, self._ctx.now.wall)


def is_paid(row: Item) -> bool:
    """Tell whether a row's upload is paid for, may be, or is going to be."""
    doubtful = row.state is State.HELD and row.reason is Reason.UNCONFIRMED
    return row.video_no is not None or row.state in WILL_BE_SENT or doubtful


def _paid_elsewhere(item: Item, other: Item) -> events.Judged:
    detail = (
        f"{PAID_ELSEWHERE}{other.id}, which is uploaded to {other.scope}; this one is for "
        f"{item.scope}. To pay for it there too: ingestd approve {item.id}; if not: ingestd skip "
        f"{item.id}"
    )
    return events.Judged(State.HELD, Reason.OTHER_SCOPE, detail)
