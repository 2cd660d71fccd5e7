"""What people say of single files: approve, skip, link, pay again; and what that allows.

A promise is not broken by what a person asked for. What each word allows is written down when it is
said, for exactly that content in that scope, and for exactly that row.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from blake3 import blake3

from ingestd import fields, localtime
from ingestd.model import Reason, State

if TYPE_CHECKING:
    import random

    from ingestd.model import Item
    from soak.deeds import Deeds
    from soak.farside import Row
    from soak.rig import Rig

T = TypeVar("T")

MOST = 3  # files that one word is about
SHARE = 0.7  # of all links: those of a file that can be linked
#: A number that no video has: somebody mistyped it.
MISTYPED = "VI568102998803353599"


class Allowed:
    """What people allowed, or did themselves."""

    def __init__(self) -> None:
        self.payments: Counter[tuple[str, str]] = Counter()  # by scope and content: so many more
        self.from_now_on = math.inf  # when the budget was given up, by the far side's clock
        self.days: set[str] = set()  # local days whose budget need not be kept to
        self.linked: set[int] = set()  # rows to which a person linked another video than theirs


class People:
    """The deeds; part of `Deeds`."""

    def __init__(self, rig: Rig, chance: random.Random, deeds: Deeds) -> None:
        """Take the part; the other deeds know the files."""
        self.rig, self.chance, self._deeds = rig, chance, deeds

    def approve(self) -> None:
        """Let go what is held or was skipped: some by their numbers, or all that is held."""
        rows = [row for row in self.rig.rows() if row.state in (State.HELD, State.SKIPPED)]
        if self.chance.random() < 0.3:
            held = [row.id for row in rows if row.state is State.HELD]
            self._wish("approve", ids=held, bulk=True, states=[State.HELD.value])
            return
        some = self._some(rows)
        for row in some:
            send = self.rig.journal.last_send(row.id)
            doubtful = send is not None and send.outcome in (None, "unknown")
            if row.reason is Reason.UNCONFIRMED or (row.state is State.SKIPPED and doubtful):
                self._allow(row.scope, self._content(row))
        self._wish("approve", ids=[row.id for row in some], bulk=False)

    def skip(self) -> None:
        """Say of some files that they are not to be uploaded."""
        bulk = self.chance.random() < 0.3
        self._wish("skip", ids=[row.id for row in self._some(self.rig.rows())], bulk=bulk)

    def link(self) -> None:
        """Say which video a file is: the right one, another one, one that is taken, or none."""
        rows = self.rig.rows()
        held = [row for row in rows if row.reason is Reason.UNCONFIRMED]
        row = self._one(held if held and self.chance.random() < SHARE else rows)
        if row is None:
            return
        content = self._content(row)
        right = [one for one in self.rig.far.rows if one.content == content]
        video = self._one(right if right and self.chance.random() < SHARE else self.rig.far.rows)
        number = video.number if video is not None else MISTYPED
        free = self.rig.journal.by_video_no(number) is None
        if free and (row.state, row.reason) == (State.HELD, Reason.UNCONFIRMED):
            self._linked(row, content, video)
        self._wish("link", ids=[row.id], video_no=number)

    def pay_again(self) -> None:
        """Upload once more what may be paid already: a person says that it is meant."""
        if self.chance.random() < 0.5:
            some = self._some(self.rig.rows())
            for row in some:
                self._allow_again(row)
            if self.chance.random() < 0.3:
                self._deeds.meddle()  # with what lies there now nothing of that is meant
            self._wish("retry", ids=[row.id for row in some], pay_again=True)
        else:
            self._add(pay_again=True)

    def add(self) -> None:
        """Take a file now; what is paid is not paid again."""
        self._add(pay_again=False)

    def over_budget(self) -> None:
        """Say that the budget of today does not matter."""
        self.rig.allowed.days.add(localtime.day(self.rig.now().wall))
        self._wish("resume", over_budget=True)

    def _add(self, *, pay_again: bool) -> None:
        path = self._deeds.there()
        if path is None:
            return
        names = [None, None, *(folder.name for folder in self.rig.settings.folders)]
        lender = self.chance.choice(names)
        if pay_again:
            content = blake3(path.read_bytes()).hexdigest()
            self._allow(self._scope(str(path), lender), content)
        self._wish("add", paths=[str(path)], folder=lender, pay_again=pay_again)

    # --- what that allows -------------------------------------------------------------------------

    def _allow(self, scope: str | None, content: str | None) -> None:
        if scope is not None and content is not None:
            self.rig.allowed.payments[scope, content] += 1

    def _allow_again(self, row: Item) -> None:
        """`retry --pay-again` of one row."""
        if row.state is State.FAILED and row.video_no is None:
            self._allow(row.scope, self._content(row))  # as it is; it may be paid by a copy
            return
        current = self.rig.row(row.path)
        if current is not None and current.id == row.id and (row.video_no or row.duplicate_of):
            self._allow(self._scope(row.path), self._content(row))

    def _linked(self, row: Item, content: str | None, video: Row | None) -> None:
        """A wrong link is the person's; the file whose video that was is not known any more."""
        if video is not None and (video.scope, video.content) == (row.scope, content):
            return
        self.rig.allowed.linked.add(row.id)
        if not (self.rig.variant.names and self.rig.variant.sizes):
            # only by elimination is one told from another: what is left may be taken for theirs
            lost = [one.id for one in self.rig.rows() if _is_lost(one)]
            self.rig.allowed.linked.update(lost)
        if video is not None and video.ours:
            self._allow(video.scope, video.content)

    # --- inside -----------------------------------------------------------------------------------

    def _wish(self, verb: str, **args: object) -> None:
        self._deeds.room()
        self.rig.tell("  a person", verb=verb, **args)
        self.rig.wish(verb, **args)

    def _some(self, rows: list[Item]) -> list[Item]:
        return self.chance.sample(rows, min(MOST, len(rows)))

    def _one(self, some: list[T]) -> T | None:
        return self.chance.choice(some) if some else None

    def _content(self, row: Item) -> str | None:
        if row.content_hash is not None or row.stat is None:
            return row.content_hash
        return self.rig.written.get((row.stat.inode, row.stat.mtime_ns, row.stat.size))

    def _scope(self, path: str, lender: str | None = None) -> str | None:
        """The scope for which a file would be sent as things are."""
        for folder in self.rig.settings.folders:
            if folder.name == lender or (lender is None and path.startswith(f"{folder.path}/")):
                named = {"unique_id": folder.fields.unique_id}
                return str(fields.scope_of(named, self.rig.settings.api.scope.value))
        return None


def _is_lost(row: Item) -> bool:
    return row.state is State.CONFIRMING or row.reason is Reason.UNCONFIRMED
