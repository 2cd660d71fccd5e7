"""The mirror as the loop keeps it: opened and compared by a worker, for its disk may hang."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ingestd.daemon.asking.ours import is_of
from ingestd.daemon.assurance.mirrorcheck import OpenMirror, Place, check
from ingestd.daemon.assurance.mirrorfacts import had, skipped
from ingestd.daemon.assurance.mirrorwriter import MirrorWriter
from ingestd.daemon.messages import MirrorChecked, MirrorTrouble
from ingestd.errors import JournalError, StaleMoveError
from ingestd.journal import JournalReader
from ingestd.lifecycle import events
from ingestd.mirror import Ended, MirrorFullError, Reserve, Result
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestd.daemon.assurance.mirrorcheck import ReadJournal
    from ingestd.daemon.context import Context
    from ingestd.mirror import Fact, Mirror
    from ingestd.model import Item, Send

LANE: Final = "mirror"
#: Meta key: where the mirror is, which one, and up to where the journal knows all of it.
PLACE: Final = "mirror"
#: A mirror that cannot be used is tried again after seconds.
AGAIN_S: Final = 30.0
#: A disk that gives no answer for so long hangs, seconds.
HUNG_S: Final = 20.0
#: A reserve that was given away is not taken back for seconds.
GIVEN_S: Final = 5.0


class Mirroring:
    """The desk that keeps the mirror."""

    def __init__(self, ctx: Context, is_under_way: Callable[[int], bool]) -> None:
        """Take the desk; `is_under_way` tells whether a row's attempt has a worker now."""
        self._ctx, self._is_under_way = ctx, is_under_way
        self.writer = MirrorWriter(ctx, self.give_room)
        self._opening: float | None = None  # monotonic: a worker opens it since
        self._asked: Path | None = None  # the directory that it is opened in
        self._opened: Mirror | None = None  # by a worker; its message may never be taken
        self._next = 0.0  # monotonic
        self._given_until = -math.inf  # monotonic: the reserve was given away shortly before
        self.trouble = ""  # why nothing may be sent; "" while it is not known yet, too
        self.reserves = self._reserves()
        ctx.listeners.append(self._moved)

    @property
    def directory(self) -> Path:
        """Where the mirror is."""
        return self._ctx.settings.mirror_dir or self._ctx.settings.state_dir

    def _reserves(self) -> tuple[Reserve, ...]:
        places = dict.fromkeys((self._ctx.settings.state_dir, self.directory))
        return tuple(Reserve(place, self._ctx.reserve) for place in places)

    @property
    def ready(self) -> bool:
        """Tell whether intents can be written and the journal knows all that the mirror knows."""
        return self.writer.mirror is not None and not self.trouble

    # --- opening ----------------------------------------------------------------------------

    def tick(self) -> float | None:
        """Open it if it is not open; say when to come again (monotonic)."""
        if self.writer.mirror is not None or self._ctx.stopping:
            return None
        if self._opening is not None:
            return self._awaited(self._opening)
        if self._ctx.now.mono < self._next:
            return self._next
        self._opening = self._ctx.now.mono
        self._asked = self.directory
        read, directory = self._ctx.read_journal or self._reader(), self.directory
        place, sync = Place.of(self._ctx.journal.meta(PLACE)), self._ctx.sync

        def job() -> MirrorChecked:
            try:
                found = check(read, directory, place, sync)
                self._opened = found.mirror
                return MirrorChecked(found, "", directory=str(directory))
            except JournalError as error:
                full = isinstance(error, MirrorFullError)
                return MirrorChecked(None, str(error), full, str(directory))

        why = "The file of what was paid could not be looked into."
        broke = MirrorChecked(None, why, directory=str(directory))
        self._ctx.workers.submit(self._lane, job, broke)
        return self._opening + HUNG_S

    def _awaited(self, since: float) -> float | None:
        """Say it when its disk gives no answer; when to come again (monotonic)."""
        if self._ctx.now.mono < since + HUNG_S:
            return since + HUNG_S
        self.trouble = (
            f"The disk of the file of what was paid, {self.directory}, does not answer: nothing is "
            "sent that cannot be written there. It goes on by itself when it answers; another "
            "mirror_dir is taken by a reload"
        )
        return None

    @property
    def _lane(self) -> str:
        """A lane for each disk: one that hangs is left with its lane."""
        return f"{LANE} {self.directory}"

    def _reader(self) -> ReadJournal:
        state_dir = self._ctx.settings.state_dir
        return lambda: JournalReader.open(state_dir)

    def checked(self, message: MirrorChecked) -> None:
        """Take in a mirror that was opened and compared, or why it was not."""
        found = message.checked
        if self._opening is None or message.directory not in ("", str(self.directory)):
            if found is not None:  # the configuration named another one meanwhile
                found.mirror.close()
            return
        self._opening = None
        if found is None:
            self._away("" if message.full else message.trouble)
            return
        self.writer.mirror = found.mirror
        self._learn(found)

    def _learn(self, found: OpenMirror) -> None:
        forgotten = [one for one in found.results if not self._adopted(one)]
        videos, attempts = found.ahead.videos + len(forgotten), found.ahead.attempts
        self.writer.blocked = bool(videos or attempts or found.ahead.skipped)
        if not self.writer.blocked:
            self.trouble = ""
            self._ctx.journal.set_meta(PLACE, found.place.kept())
            return
        what = [
            f"{number} {one if number == 1 else many}"
            for number, one, many in (
                (videos, "upload that was paid", "uploads that were paid"),
                (attempts, "whose answer is not known", "whose answer is not known"),
                (found.ahead.skipped, "file that was skipped", "files that were skipped"),
            )
            if number
        ]
        example = f" ({found.ahead.example} is one)" if found.ahead.example else ""
        self.trouble = (
            f"{found.mirror.path} knows of {' and '.join(what)}{example}, and the journal does not:"
            " it is an older copy, or was lost. Nothing is sent, so that nothing is paid twice. "
            "Stop ingestd, then: ingestd recover"
        )

    def _away(self, trouble: str) -> None:
        self.trouble = trouble
        self._next = self._ctx.now.mono + AGAIN_S

    def broke(self, message: MirrorTrouble) -> None:
        """A worker could not write to it: it is opened anew, and filled if it lacks a fact."""
        place = Place.of(self._ctx.journal.meta(PLACE))
        if message.lost and place is not None:
            self._ctx.journal.set_meta(PLACE, replace(place, read=-1).kept())
        if message.lost or not message.full:
            self._let_go()
            self._away("" if message.full else message.text)

    def reconfigure(self) -> None:
        """Follow a changed `mirror_dir`; room is kept where it is now, not where it was."""
        self.reserves = self._reserves()
        if self._asked != self.directory:
            self._opening = None  # by now another one is to be opened
        if self.writer.mirror is not None and self.writer.mirror.path.parent != self.directory:
            self._let_go()

    def _let_go(self) -> None:
        if self.writer.mirror is not None:
            self.writer.mirror.close()
        self.writer.mirror = None
        self._next = 0.0

    def close(self) -> None:
        """Let go of the file."""
        self._let_go()
        if self._opened is not None:
            self._opened.close()

    def note_position(self) -> None:
        """All that was written so far is in the journal: the next start need not read it."""
        if self.writer.mirror is None or not self.ready or self.writer.open:
            return
        place = Place(str(self.directory), self.writer.mirror.identity, self.writer.mirror.size)
        self._ctx.journal.set_meta(PLACE, place.kept())

    # --- a full disk ------------------------------------------------------------------------

    def keep_room(self) -> bool:
        """Keep the reserve for outcomes; tell whether there is room for it.

        Not at once after it was given away: what it was given for must be written first.
        """
        if self._ctx.now.mono < self._given_until:
            return False
        # not where the mirror is not: below an empty mount point nothing is written
        there = self.reserves if self.writer.mirror is not None else self.reserves[:1]
        kept = [reserve.make() for reserve in there]
        return all(kept)

    def give_room(self) -> bool:
        """Give the reserve to what must be recorded now; tell whether there was any."""
        given = [reserve.release() for reserve in self.reserves]
        if any(given):
            self._given_until = self._ctx.now.mono + GIVEN_S
        return any(given)

    # --- what the loop learns later ---------------------------------------------------------

    def _moved(self, before: Item | None, after: Item) -> None:
        """Write what no worker did: a row got its video, lost the chance of it, was skipped."""
        number, wall = after.video_no, self._ctx.now.wall
        fact: Fact | None
        if number is not None and (before is None or before.video_no != number):
            if number in self.writer.named:
                self.writer.named.discard(number)
                return
            key = self._key(after)
            fact = had(after) if key is None else Result(key, number, wall)
        elif _given_up(before, after) and (key := self._key(after)) is not None:
            fact = Ended(key, "not_found", wall)
        elif after.state is State.SKIPPED:
            fact = skipped(after, wall)
        elif after.state is State.QUEUED and _was_skipped(before):
            fact = skipped(after, wall, wanted=True)
        else:
            return
        if fact is None:
            return
        self._ctx.workers.submit(self._lane, lambda: self.writer.write(fact))

    def _key(self, item: Item) -> str | None:
        send = self._ctx.journal.last_send(item.id)
        if send is None or send.marked_at is None or not is_of(send, item):
            return None
        return send.key

    def _adopted(self, result: Result) -> bool:
        """A worker read an answer, and a crash came before it was recorded: it is now."""
        journal = self._ctx.journal
        send = journal.send_of_key(result.key)
        item = journal.item(send.item_id) if send is not None else None
        if send is None or item is None or not is_of(send, item):
            return False
        if item.video_no is not None or self._is_under_way(item.id):
            return item.video_no in (None, result.video_no)
        self.writer.named.add(result.video_no)  # it stands in the mirror
        detail = "Its answer stood in the file of what was paid: nothing is sent again."
        taken = events.TakenIn(result.video_no, item.content_hash, "accepted", detail)
        with journal.transaction():
            if item.state is State.QUEUED:
                claimed = events.Claimed(send.upload_name, send.scope)
                item = self._ctx.apply(item, claimed)
            if item.state not in _MAY_BE_TAKEN_IN:
                return False
            self._ctx.apply(item, taken)
            self._ctx.count_paid(item, send.size)
            self._end(send)
        return True

    def _end(self, send: Send) -> None:
        """Not as accepted: a person may have said which video it is, and it may be anybody's."""
        try:
            self._ctx.journal.end_send(send.id, self._ctx.now.wall, "found")
        except StaleMoveError:  # it was thought not to have been sent
            self._ctx.log.warning("journal.trouble", detail=f"attempt {send.id} was accepted")


#: From these a row may go on as one that the far side has.
_MAY_BE_TAKEN_IN: Final = frozenset({State.UPLOADING, State.CONFIRMING, State.HELD})


def _given_up(before: Item | None, after: Item) -> bool:
    """Tell whether an attempt was looked for and is certain not to have arrived."""
    return before is not None and before.state is State.CONFIRMING and after.state is State.QUEUED


def _was_skipped(before: Item | None) -> bool:
    return before is not None and before.state is State.SKIPPED
