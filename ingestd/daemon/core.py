"""The loop: takes messages, lets every desk start what is due, says when to come again."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ingestd.daemon import messages as m
from ingestd.daemon.after.tidying import Tidying
from ingestd.daemon.asking.confirming import Confirming
from ingestd.daemon.asking.following import Following
from ingestd.daemon.asking.lane import Asking
from ingestd.daemon.assurance.desk import Assurance
from ingestd.daemon.clockwork import Clockwork
from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.intake.brake import Brake
from ingestd.daemon.intake.byhand import ByHand
from ingestd.daemon.intake.cards import Cards
from ingestd.daemon.intake.content import Contents
from ingestd.daemon.intake.judging import Judging
from ingestd.daemon.intake.opening import Ground, Openings
from ingestd.daemon.intake.placing import Placing
from ingestd.daemon.intake.rejudging import Rejudging, judge_claimed
from ingestd.daemon.intake.seeing import Seeing
from ingestd.daemon.people.verbs import People
from ingestd.daemon.people.wishes import Wishes
from ingestd.daemon.recovery import recover
from ingestd.daemon.sending.bandwidth import Bandwidth
from ingestd.daemon.sending.budgeting import Budgeting
from ingestd.daemon.sending.flights import Flights
from ingestd.daemon.sending.gatekeeper import Gatekeeper
from ingestd.daemon.sending.indexcap import IndexingCap
from ingestd.daemon.sending.keys import Keys
from ingestd.daemon.sending.troubles import Troubles
from ingestd.daemon.sending.uploads import Uploads
from ingestd.daemon.telling.alarming import Alarming
from ingestd.daemon.telling.hourly import Hourly
from ingestd.daemon.telling.lastknown import LastKnown
from ingestd.daemon.telling.snapshot import Refusal, Snapshots
from ingestd.errors import JournalError
from ingestd.journal import CorruptJournalError, DiskFullError
from ingestd.model import GateName
from ingestd.settle import SettleTracker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestd.config import ApiKey, Folder, Settings
    from ingestd.daemon.context import Context
    from ingestd.model import Item, Now
    from ingestd.watch.hints import Hints

#: Messages handled in one step, so that deadlines are kept under any flood.
MOST_MESSAGES = 500
#: Messages that may share a commit. Not what an upload waits for, nor how one ended: those are
#: made durable one by one, before anything else happens.
TOGETHER = (m.Listed, m.LookedAt, m.Probed, m.Hashed, m.Polled)
#: How long what could not be recorded, or broke, waits until it is tried again, seconds.
AGAIN_S = 5.0


class Daemon:
    """Owns all state. Built, stepped and stopped by one thread."""

    def __init__(self, ctx: Context, hints: Hints, now: Now, config: Path | None = None) -> None:
        """Build the desks and settle what the last run left half done."""
        self.ctx = ctx
        ctx.now = now
        self.tracker = SettleTracker()
        self.keeper = Gatekeeper(ctx)
        self.keys = Keys(ctx, self.keeper, self.use_key)
        self.brake = Brake(ctx, self.tracker)
        self.contents = Contents(ctx, self._opener, self._is_away, self.brake)
        placing = Placing(ctx, self.brake, self.contents)
        openings = Openings(self._folder_of, self._ground_of)
        self.judging = Judging(ctx, self.tracker, self._folder_of, openings, placing)
        self.seeing = Seeing(ctx, self.tracker, self.judging, self.brake, hints)
        self.seeing.sights.renames.listeners.append(self.contents.renamed)
        self.seeing.sights.renames.moved = self.brake.moved
        asking = Asking(ctx, self.keeper)
        self.assurance = Assurance(ctx, self.keeper, asking, lambda one: one in self.flights)
        cap = IndexingCap(ctx, self.keeper)
        troubles = Troubles(ctx, self.keeper, cap)
        self.flights = Flights(
            ctx, self.keeper, self.assurance, troubles, self._opener, self._is_missed
        )
        self.bandwidth = Bandwidth(ctx, self.keeper, self.flights)
        budget = Budgeting(ctx, self.keeper, self.flights)
        self.uploads = Uploads(ctx, self.keeper, self.flights, budget, cap, self._may_go)
        self.seeing.standing.mended += [
            self.uploads.wake,
            self.flights.disk_answers,
            self.contents.folder_mended,
        ]
        self.seeing.standing.hanging.append(self.flights.disk_hangs)
        self.following, self.confirming = Following(asking), Confirming(asking)
        self.tidying = Tidying(ctx, lambda: self.seeing.watched, self.seeing.owner_of)
        self.cards = Cards(
            ctx,
            self.tracker,
            self._folder_of,
            self.judging.openings,
            self.seeing.look_again,
        )
        self.judging.standing, self.judging.unlisted = self.cards.standing, self.cards.unlisted
        self.seeing.others_hinted = self.cards.hinted
        self.seeing.sights.renames.listeners.append(self.cards.renamed)
        self.by_hand = ByHand(ctx, self.tracker, self.judging)
        self.rejudging = Rejudging(ctx)
        self.rejudging.rules_are(self.judging.rules)
        people = People(ctx, self.seeing, self.judging)
        self.wishes = Wishes(ctx, self.keeper, self.flights, self.seeing, people, self.by_hand)
        self.wishes.on_resume = self.assurance.say
        self.snapshots = Snapshots(
            ctx, self.seeing, self.tracker, self.flights, self.uploads, self.keeper, config
        )
        self.last_known = LastKnown(ctx, lambda: self.seeing.watched, self.snapshots.lasting)
        self.alarming = Alarming(ctx, self.keeper, lambda: self.seeing.watched)
        self.hourly = Hourly(ctx)
        self._clockwork = Clockwork(ctx, self.keeper)
        self._unrecorded: list[m.Message] = []
        self._again_at = 0.0
        self._handlers = self._table()
        recover(ctx)
        self._turn(self.by_hand.resume)
        self._turn(self.wishes.act)

    def _table(self) -> dict[type, Callable[..., None]]:
        return {
            m.Hint: self.seeing.hinted,
            m.HintsLost: self.seeing.hints_lost,
            m.MountsChanged: self.seeing.mounts_changed,
            m.RootSeen: self.seeing.standing.root_seen,
            m.ScanBegun: self.seeing.scan_begun,
            m.Listed: self.seeing.listed,
            m.ScanEnded: self.seeing.scan_ended,
            m.LookedAt: self.seeing.looked_at,
            m.OldPathSeen: self.seeing.sights.renames.seen,
            m.Probed: self.judging.probed,
            m.CardLooked: self.cards.looked,
            m.FoundByHand: self.wishes.found,
            m.Hashed: self.contents.hashed,
            m.Prepared: self.flights.preflights.prepared,
            m.MarkWanted: self.flights.marks.wanted,
            m.UploadEnded: self.flights.ended,
            m.Polled: self.following.polled,
            m.LookEnded: self.confirming.looked,
            m.Tidied: self.tidying.tidied,
            m.TroubleTold: self.alarming.told,
            m.MirrorChecked: self.assurance.mirror_checked,
            m.MirrorTrouble: self.assurance.mirror_broke,
            m.FirstPage: self.assurance.first_page,
            m.AccountAsked: self.assurance.account_asked,
            m.Asked: self._asked,
            m.KeyRead: self.keys.read,
            m.JobBroke: self._job_broke,
        }

    def step(self, now: Now) -> float | None:
        """Handle what came, start what is due.

        Returns:
            The monotonic time of the next step; None: when a message comes.
        """
        self.ctx.now = now
        self._turn(self._clockwork.tick)
        self._turn(self.tidying.keep_time)
        again = self._due_again()
        messages = [*again, *self.ctx.inbox.take(MOST_MESSAGES)]
        for together, group in groupby(messages, lambda message: isinstance(message, TOGETHER)):
            if together:
                self._handle_together(list(group))
            else:
                for message in group:
                    self._handle(message)
        if again and not self._unrecorded and self.keeper.has_room():
            self._turn(lambda: self.keeper.open(GateName.DISK_FULL))  # it can be written again
            self.seeing.scan_now(full=True)
        deadlines = self._tick()
        if self._unrecorded:
            deadlines.append(self._again_at)
        if self.ctx.inbox:
            return now.mono
        return min((at for at in deadlines if at is not None), default=None)

    def _due_again(self) -> list[m.Message]:
        """What could not be recorded before, when it is time to try again."""
        if self.ctx.now.mono < self._again_at:
            return []
        again, self._unrecorded = self._unrecorded, []
        return again

    def _tick(self) -> list[float | None]:
        people = (self.wishes.tick, self.brake.tick, self.rejudging.tick)
        upload = (self.keys.tick, self.assurance.tick, self.bandwidth.tick, self.uploads.tick)
        turns = [*people, self.seeing.tick, self.judging.tick, self.cards.tick, *upload]
        self.ctx.unrecorded = bool(self._unrecorded)
        if not self._unrecorded:  # else what these ask and read would be asked and read in circles
            asking = (self.following.tick, self.confirming.tick)
            turns = [self.contents.tick, *turns, *asking, self.tidying.tick]
        turns += [self.alarming.tick, self.hourly.tick, self.last_known.tick]
        return [self._turn(turn) for turn in turns]

    def _turn(self, tick: Callable[[], float | None] | Callable[[], None]) -> float | None:
        """Give a desk its turn; what goes wrong there stops no other desk."""
        try:
            return tick()
        except CorruptJournalError:
            raise
        except NOT_NOW as error:
            self.keeper.not_recorded(error)
        except Exception:
            self.ctx.log.exception("loop.error", turn=tick.__qualname__)
        return self.ctx.now.mono + AGAIN_S

    def _handle(self, message: m.Message) -> None:
        try:
            self._handlers[type(message)](message)
        except CorruptJournalError:
            raise
        except NOT_NOW as error:
            self._not_recorded([message], error)
        except Exception:
            # a bug or a bad record in one place must not stop the rest (field notes, vector)
            self.ctx.log.exception("loop.error", message=type(message).__name__)

    def _handle_together(self, messages: list[m.Message]) -> None:
        """Share one commit; each message still succeeds or fails by itself.

        If the commit itself fails, nothing was recorded of any of them: they are handed in again,
        and what a desk had forgotten meanwhile is seen again by the next scan or asked again.
        """
        before = len(self._unrecorded)
        try:
            with self.ctx.journal.transaction():
                for number, message in enumerate(messages, 1):
                    self._handle(message)
                    if len(self._unrecorded) > before:  # so would the rest fail
                        self._unrecorded += messages[number:]
                        break
        except CorruptJournalError:
            raise
        except JournalError as error:  # a full disk may undo all of it, not the last change alone
            del self._unrecorded[before:]
            self._not_recorded(messages, error)

    def _not_recorded(self, messages: list[m.Message], why: JournalError) -> None:
        self._unrecorded += messages
        self._again_at = self.ctx.now.mono + AGAIN_S
        full = isinstance(why, DiskFullError)
        if full and self.assurance.mirroring.give_room():  # what came back is recorded in it now
            self._again_at = self.ctx.now.mono
        self.keeper.not_recorded(why)

    def _job_broke(self, message: m.JobBroke) -> None:
        self.ctx.log.error("worker.error", lane=message.lane, error=message.error)
        if message.instead is not None:
            self._handle(message.instead)

    def _asked(self, message: m.Asked) -> None:
        match message.request.get("ask"):
            case "snapshot":
                message.answer(self.snapshots.take())
            case "explain":
                message.answer(self.snapshots.explain(str(message.request.get("path"))))
            case "wake":
                self.wishes.act()
                message.answer({"ok": True})
            case _:
                message.answer({"error": "unknown question"})

    # --- what the desks ask of each other -----------------------------------------------------

    def _folder_of(self, path: str) -> Folder | None:
        watched = self.seeing.folder_of(path)
        return watched.folder if watched else None

    def _ground_of(self, path: str) -> Ground | None:
        watched = self.seeing.folder_of(path)
        if watched is None:
            return None
        return Ground(watched.root, watched.device, watched.volume_id)

    def _opener(self, item: Item) -> Callable[[], int]:
        return self.judging.openings.opener(item.path)

    def _is_away(self, item: Item) -> bool:
        """Tell whether a row's folder is configured, and it or its disk is not there now."""
        watched = self.seeing.folder_of(item.path)
        return watched is not None and not (watched.in_order and watched.holds(item))

    def _is_missed(self, item: Item) -> bool:
        """Tell whether a scan would notice that a row's file has gone.

        None looks outside the folders, nor for a row whose path is another one's by now.
        """
        return self._stands(item) and self.seeing.folder_of(item.path) is not None

    def _stands(self, item: Item) -> bool:
        current = self.ctx.journal.current(item.path)
        return current is not None and current.id == item.id

    def _may_go(self, item: Item) -> str:
        """Say why a queued row must wait; "" lets it go."""
        if item.folder is not None:
            watched = self.seeing.folder_of(item.path) or self.seeing.watched.get(item.folder)
            if watched is None:
                return f"Folder {item.folder} is not configured any more."
            if watched.place is None:
                return f"Folder {item.folder} has not been looked at yet."
            if not watched.in_order:
                return watched.detail or f"Folder {item.folder} is not in order."
            if not watched.holds(item):
                return "The disk that it was seen on is not there; it goes when it is back."
        why = judge_claimed(self.ctx, item, self.judging.rules)
        if why or item.rules is not None or not self._stands(item):
            return why  # where another file took its place, the upload finds that out
        return self._looked_into(item)

    def _looked_into(self, item: Item) -> str:
        """Have a row that `recover` restored looked into first: not even its fields are known."""
        if self.seeing.look_again(item.path):
            return "What it is is looked into first: the journal that knew it was lost."
        return (
            "The journal that knew its fields was lost, and it lies in no watched folder. To send "
            f"it after all: ingestd add {item.path!r}"
        )

    # --- life ---------------------------------------------------------------------------------

    def reconfigure(self, settings: Settings, key: ApiKey) -> None:
        """Swap the settings; uploads under way go on."""
        self.ctx.settings = settings
        self.use_key(key)
        self.judging.reconfigure()
        self.seeing.reconfigure()
        self.cards.reconfigure()
        self.brake.reconfigure()
        self.assurance.reconfigure()
        self.rejudging.rules_are(self.judging.rules)

    def use_key(self, key: ApiKey) -> None:
        """Name the key that is in use now."""
        self.snapshots.key = key
        self.keys.used(key)
        self.keeper.key_is(key.digest)
        self.assurance.account.use(key.digest, self.ctx.settings.api.base_url)

    def config_read(self, refused: str) -> None:
        """Remember how the last reload went, for `status`."""
        self.snapshots.refusal = Refusal(self.ctx.now.wall, refused) if refused else None

    def begin_stop(self) -> None:
        """Start nothing more; abort the bodies that cannot finish within the grace."""
        self.ctx.stopping = True
        self.flights.stop_all(grace=self.ctx.settings.stop_grace)

    @property
    def busy(self) -> bool:
        """Tell whether something is under way beside uploads: a pass does not end before it."""
        return self.tidying.busy or self.cards.busy or self.brake.busy

    @property
    def stopped(self) -> bool:
        """Tell whether nothing is under way any more."""
        return not self.flights.under_way

    def abandon(self, now: Now) -> None:
        """The grace is over: what has no end yet gets the one that its mark says (rules R1)."""
        self.ctx.now = now
        for flight in self.flights.under_way:
            flight.stop.set()
        for message in self.ctx.inbox.take(MOST_MESSAGES):
            self._handle(message)  # an outcome that came in meanwhile need not be asked for later
        told = not (self.flights.under_way or self._unrecorded or self.ctx.inbox)
        self._turn(lambda: recover(self.ctx))  # on a full disk the next start does it
        if told:  # else an answer may stand in the mirror alone: the next start reads it there
            self._turn(self.assurance.mirroring.note_position)
        self.last_known.stop()

    def close(self) -> None:
        """Let go of watchers and workers; the journal is closed by who opened it."""
        self.contents.close()
        self.judging.close()
        self.tidying.close()
        self.seeing.close()
        self.assurance.mirroring.close()
        self.ctx.workers.close()
