"""Judging: settled files are probed, judged and recorded; the way from memory into the journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd import fields, validate
from ingestd.checksums import Verdict
from ingestd.daemon.intake.cards import Standing
from ingestd.daemon.intake.describing import Describing
from ingestd.daemon.intake.looking import look_into
from ingestd.daemon.intake.opening import LANE, Openings
from ingestd.daemon.intake.placing import SKIPPED, skip
from ingestd.daemon.messages import Probed
from ingestd.lifecycle import events
from ingestd.model import Facts, Item, Reason, State
from ingestd.probe import ProbeTrouble, TroubleKind
from ingestd.watch.cameras import suspicions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.checksums import Checked
    from ingestd.config import Folder
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.placing import Placing
    from ingestd.model import Stat
    from ingestd.settle import Candidate, SettleTracker
    from ingestd.watch.entries import Entry

#: A program that keeps a file open for so long and writes nothing is not waited for, seconds.
WRITER_S = 86_400.0
#: Files that are compared with their checksum list are read whole: that holds up no other probe.
VERIFY_LANE = "verify"


#: States whose content was not sent: another file at the path simply takes their place.
REPLACEABLE = frozenset({State.HELD, State.QUEUED, State.SKIPPED, State.DUPLICATE})
#: States whose row is judged anew in place.
JUDGED_AGAIN = frozenset({State.GONE, State.REJECTED})
#: Stands for the number of a row that is not made yet: every row is older.
NEWEST = 1 << 62
#: Reasons that `add` overrides: it skips the guard and nothing else (interface 3).
OF_THE_GUARD = frozenset({Reason.SURGE, Reason.FIRST_LOOK})
_MAY_BE_PROXY = "Its name is that of a camera's proxy, and files are still arriving beside it"
NOT_MEANT = (
    "It was to be paid for again, and changed after that was said: it is taken as any other file, "
    "so what is paid already is not paid again. Say it once more if it is meant as it is now."
)
SEEN_BY_NAME = {
    Reason.EXTENSION: (
        "memories.ai does not take this kind of file; nothing was uploaded or billed. Convert it "
        "to MP4 (H.264 or HEVC), or exclude it in the configuration."
    ),
    Reason.NOT_REGULAR: (
        "This is a link or a special file, not a file of its own; nothing was uploaded or billed. "
        "Put the file itself here, or set follow_symlinks for this folder."
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a file."""

    facts: Facts
    content_hash: str | None = None  # blake3, if it was read whole


@dataclass(frozen=True, slots=True)
class Meant:
    """The file that a person asked to pay for again: that one, not what lies there later."""

    stat: Stat | None  # None: not known
    fingerprint: str | None = None  # None: not known

    def is_it(self, stat: Stat, fingerprint: str | None) -> bool:
        """Tell whether a file is that one (after a remount inode and device are others)."""
        known = self.stat
        if known is not None and (known.size, known.mtime_ns) != (stat.size, stat.mtime_ns):
            return False
        return self.fingerprint in (None, fingerprint)


class Judging:
    """The desk that turns settled files into rows."""

    def __init__(
        self,
        ctx: Context,
        tracker: SettleTracker,
        folder_of: Callable[[str], Folder | None],
        openings: Openings,
        placing: Placing,
    ) -> None:
        """Take the desk.

        Args:
            ctx: the loop's surroundings.
            tracker: what settles.
            folder_of: names the watched folder that a path lies in, if any.
            openings: opens a file below the root that it lies in.
            placing: says where an acceptable file goes.
        """
        self._ctx, self._tracker = ctx, tracker
        self._folder_of, self.openings = folder_of, openings
        self.placing, self._brake = placing, placing.brake
        self.describing = Describing(ctx, folder_of)
        self.lent: dict[str, Folder] = {}  # paths added by hand with the fields of a folder
        self._probing: set[str] = set()
        self._hold: dict[str, str] = {}  # being probed: why it is held if it is valid
        #: Asked of the cards' desk, once there is one: may a settled file be looked into?
        self.standing: Callable[[Candidate], Standing] = lambda _: Standing()
        #: Told to it: no list names this file; answers why it is held, or "": it waits.
        self.unlisted: Callable[[Candidate, str], str] = lambda _path, _why: ""
        self.pay_again: dict[str, Meant] = {}  # by path: what a person asked to pay for again
        self.by_hand: set[str] = set()  # paths that a person added: proxies too
        self.past_guard: set[str] = set()  # paths that a person asked to take: never held back
        self.reconfigure()

    def reconfigure(self) -> None:
        """Take the rules from the settings."""
        section = self._ctx.settings.validate
        self.rules = validate.Rules(
            extensions=section.extensions,
            min_size=section.min_size,
            max_size=section.max_size,
            codecs=section.codecs,
            oversize=validate.Oversize(section.oversize.value),
        )
        self._digest = self.rules.digest()

    @property
    def busy(self) -> bool:
        """Tell whether a file is being probed."""
        return bool(self._probing)

    def tick(self) -> float | None:
        """Probe what is settled; say when to come again (monotonic)."""
        if self._ctx.stopping:
            return None
        for candidate in self._tracker.take_settled(self._ctx.now.mono):
            self._probe(candidate)
        return self._tracker.next_deadline()

    def _probe(self, candidate: Candidate) -> None:
        path, standing = candidate.path, self.standing(candidate)
        if standing.waits:
            self._tracker.unfinished(path, standing.waits, self._ctx.now.mono)
            return
        self._probing.add(path)
        self._hold[path] = standing.hold
        open_file, proxies = self.openings.opener(path), self._leaves_proxies_out(path)
        listed_below = self.openings.root_of(path) if standing.verify else None
        broke = ProbeTrouble(TroubleKind.UNREADABLE, "It could not be looked into.")
        self._ctx.workers.submit(
            self.openings.lane(LANE if listed_below is None else VERIFY_LANE, candidate.path),
            lambda: look_into(candidate, open_file, proxies=proxies, listed_below=listed_below),
            Probed(candidate, broke),
        )

    def _leaves_proxies_out(self, path: str) -> bool:
        """Tell whether a proxy is refused: `add` takes it, and `junk: false` takes all."""
        folder = self._folder_of(path)
        return path not in self.by_hand and (folder is None or folder.junk)

    # --- the answers ------------------------------------------------------------------------

    def probed(self, message: Probed) -> None:
        """Judge what a probe found and record it."""
        candidate, result = message.candidate, message.result
        path = candidate.path
        self._probing.discard(path)
        hold = self._hold.pop(path, "")
        if isinstance(result, ProbeTrouble):
            self._trouble(candidate, result)
            return
        verdict: validate.Verdict | None = validate.judge(
            path, self._as_approved(path, result), self.rules
        )
        if message.writer and self._is_written(candidate, message.writer):
            verdict = None
        elif message.proxy:
            verdict = validate.Reject(Reason.PROXY, message.proxy)
        elif isinstance(verdict, validate.Accept):
            if self._awaits_main(candidate):
                verdict = None
            elif message.checked is not None:
                verdict, hold = self._compared(candidate, message.checked, verdict)
        if verdict is None:
            self._brake.answered(path)
        elif isinstance(verdict, validate.Unfinished):
            self._unfinished(candidate, result, verdict)
        else:
            self._settled(message, result, verdict, hold)

    def _settled(
        self, message: Probed, facts: Facts, verdict: validate.Accept | validate.Reject, hold: str
    ) -> None:
        """Record a file that is complete, unless it waits for the end of its folder's first pass.

        `hold` says why its card's list holds it.
        """
        path, valid = message.candidate.path, isinstance(verdict, validate.Accept) and not hold
        if valid and path not in self.past_guard and self._brake.sets_aside(message):
            return
        if not self._tracker.done(path):
            self._brake.answered(path)
            return
        found = Found(facts, message.checked.content_hash if message.checked else None)
        if isinstance(verdict, validate.Reject):
            self._record(path, found, _rejected(verdict))
        elif hold:
            self._record(path, found, events.Judged(State.HELD, Reason.NO_CHECKSUM_LIST, hold))
        else:
            self._record(path, found, None, oversize=verdict.oversize)

    def _as_approved(self, path: str, facts: Facts) -> Facts:
        """Leave out the zeros at the end that a person took as they are (rules R5)."""
        if not facts.findings.zero_tail:
            return facts
        current = self._ctx.journal.current(path)
        if current is None or Reason.INCOMPLETE not in current.approved:
            return facts
        if current.fingerprint != facts.fingerprint:
            return facts  # other zeros than those
        return replace(facts, findings=replace(facts.findings, zero_tail=False))

    def _is_written(self, candidate: Candidate, writer: str) -> bool:
        """A program has it open for writing: it is still settling, if not for days on end."""
        path, mono, since = candidate.path, self._ctx.now.mono, candidate.unfinished_since
        if self._folder_of(path) is None or (since is not None and mono - since >= WRITER_S):
            return False
        self._tracker.unfinished(path, f"{writer} has it open for writing", mono)
        return True

    def _compared(
        self, candidate: Candidate, checked: Checked, accepted: validate.Accept
    ) -> tuple[validate.Verdict | None, str]:
        """What a valid file's checksum list makes of it, and why it is held; None: it waits."""
        match checked.verdict:
            case Verdict.DIFFERS:
                return validate.Reject(Reason.CHECKSUM, checked.detail), ""
            case Verdict.SHORT:
                return validate.Unfinished(checked.detail, Reason.CHECKSUM), ""
            case Verdict.AGREES:
                return accepted, ""
            case Verdict.UNLISTED:
                hold = self.unlisted(candidate, checked.detail)
                return (accepted, hold) if hold else (None, "")

    def _unfinished(self, candidate: Candidate, facts: Facts, verdict: validate.Unfinished) -> None:
        """Unfinished is not wrong until `incomplete_after`; looked into again after that too."""
        path, mono, since = candidate.path, self._ctx.now.mono, candidate.unfinished_since
        folder = self._folder_of(path)
        if folder is None:  # added by hand from elsewhere: nobody will look again
            if self._tracker.done(path):
                self._record(path, Found(facts), _rejected(verdict))
        elif self._tracker.unfinished(path, verdict.detail, mono):
            waited = 0.0 if since is None else mono - since
            if waited >= folder.incomplete_after:
                self._record(path, Found(facts), _rejected(verdict))
        self._brake.answered(path)

    def _awaits_main(self, candidate: Candidate) -> bool:
        """Tell whether a proxy's name waits for its main clip: a card is being copied there."""
        path, mono, since = candidate.path, self._ctx.now.mono, candidate.unfinished_since
        folder = self._folder_of(path)
        if folder is None or not self._leaves_proxies_out(path) or not suspicions(path):
            return False
        over = since is not None and mono - since >= folder.incomplete_after
        if over or not self._tracker.is_arriving_beside(path):
            return False
        self._tracker.unfinished(path, _MAY_BE_PROXY, mono)
        return True

    def drop_wishes(self, path: str) -> None:
        """Nothing is there: what a person asked of this file is not meant for a later one."""
        self.lent.pop(path, None)
        self.pay_again.pop(path, None)
        self.by_hand.discard(path)
        self.past_guard.discard(path)

    def _trouble(self, candidate: Candidate, trouble: ProbeTrouble) -> None:
        path, mono = candidate.path, self._ctx.now.mono
        self._brake.answered(path)
        match trouble.kind:
            case TroubleKind.VANISHED:
                self._tracker.gone(path)
                self.drop_wishes(path)
            case TroubleKind.CHANGED:
                self._tracker.trouble(path, "It changed while it was looked into.", mono)
            case TroubleKind.UNREADABLE:
                self._tracker.trouble(path, trouble.detail, mono)
                self._ctx.log.warning("file.unreadable", path=path, detail=trouble.detail)
            case TroubleKind.NOT_REGULAR | TroubleKind.OUTSIDE_ROOT:
                if self._tracker.done(path):
                    reason = Reason(trouble.kind.value)
                    self._refuse(path, candidate.stat, reason, trouble.detail)

    def refuse_unseen(self, folder: Folder, entry: Entry, item: Item | None) -> None:
        """Refuse by name or kind alone, without a look inside."""
        del folder
        reason = Reason.EXTENSION if entry.refused_extension else Reason.NOT_REGULAR
        if item is not None and item.state is State.REJECTED and item.reason is reason:
            return
        self._tracker.gone(entry.path)
        if entry.stat is not None:
            self._refuse(entry.path, entry.stat, reason, SEEN_BY_NAME[reason])

    def _refuse(self, path: str, stat: Stat, reason: Reason, detail: str) -> None:
        current = self._ctx.journal.current(path)
        if current is not None and current.state is State.REJECTED and current.reason is reason:
            return
        judged = events.Judged(State.REJECTED, reason, detail)
        self._enter(path, judged, self._described(path, stat, None))

    def _record(
        self, path: str, found: Found, judged: events.Judged | None, *, oversize: bool = False
    ) -> None:
        """Record what was found; `judged` None: the file is acceptable."""
        facts, item = found.facts, self._ctx.journal.current(path)
        if item is not None and self._same_file(item, facts):
            self._touched(item, found, judged, asked=path in self.past_guard)
            self.drop_wishes(path)
            return
        like = replace(self._described(path, facts.stat, facts), content_hash=found.content_hash)
        known = None
        if item is not None and self._stands(item) and item.fingerprint == like.fingerprint:
            said = {*like.approved, *item.approved}
            known, like = item, replace(like, approved=tuple(sorted(said)))
        if judged is not None and judged.reason in like.approved:
            judged = None
        # as a row it has its old number, or the newest
        numbered = replace(like, id=item.id if item and self._stands(item) else NEWEST)
        with self._ctx.journal.transaction():
            placed = judged or self.placing.place(numbered, known, oversize=oversize)
            self._enter(path, placed, like)

    def _touched(
        self, item: Item, found: Found, judged: events.Judged | None, *, asked: bool
    ) -> None:
        """Keep the row of a file that was merely touched; one that is released moves on.

        It is by its card's list, or by a person: `add` takes it past the guard that holds it.
        """
        self._brake.answered(item.path)
        known = found.content_hash or item.content_hash
        same = replace(self._now(item, found.facts.stat), content_hash=known)
        with self._ctx.journal.transaction():
            row = self._ctx.journal.revise(item, same, self._ctx.now.wall)
            if asked and row.state is State.HELD and row.reason in OF_THE_GUARD:
                self._ctx.apply(row, events.Approved())
            elif row.state is State.HELD and row.reason is Reason.NO_CHECKSUM_LIST:
                placed = judged or self.placing.place(row, None, oversize=False)
                if placed.state is not State.HELD:
                    row = self._ctx.apply(row, events.Judged(State.QUEUED, None, None))
                if placed.state is not State.QUEUED:
                    self._ctx.apply(row, placed)

    def renamed(self, item: Item, path: str, stat: Stat) -> Item:
        """A row under its new path, on the file system that it lies on there."""
        return self._now(self.describing.renamed(item, path, stat), stat)

    def _now(self, item: Item, stat: Stat) -> Item:
        """A row whose file lies there with this stat now."""
        return replace(item, stat=stat, volume=self.openings.volume_of(item.path))

    def _same_file(self, item: Item, facts: Facts) -> bool:
        """Tell whether a row's file was merely touched: renamed and back, a chmod, another inode.

        A row whose content is known in full needs the same mtime too, because a sample proves
        nothing (rules R4): it may be paid, or others may be duplicates of it. Of any other unsent
        row only what lies there now can be sent.
        """
        if item.stat is None or item.fingerprint != facts.fingerprint or item.pay_again:
            return False
        meant = self.pay_again.get(item.path)
        if item.state in JUDGED_AGAIN or (meant and meant.is_it(facts.stat, facts.fingerprint)):
            return False
        doubtful = item.reason is Reason.UNCONFIRMED  # about an upload, whatever lies there now
        if item.state in REPLACEABLE and (item.content_hash is None or doubtful):
            return True
        return item.stat.mtime_ns == facts.stat.mtime_ns

    def _enter(self, path: str, judged: events.Judged, like: Item) -> None:
        """Put a verdict into the journal: a new row, or the old one judged anew."""
        current = self._ctx.journal.current(path)
        state = judged.state
        with self._ctx.journal.transaction():
            if current is not None and self._stands(current) and like.pay_again is False:
                self._judge_again(current, judged, like)
                return
            if current is not None and self.gives_way(current) and not _is_skipped(current, like):
                self._ctx.apply(current, events.Replaced(self._ctx.unconfirmed_at(current)))
            added = replace(
                like,
                state=state,
                reason=judged.reason,
                detail=judged.detail,
                queued_at=self._ctx.now.wall if state is State.QUEUED else None,
                next_attempt_at=self._ctx.now.wall if state is State.QUEUED else None,
            )
            self._ctx.add(added, f"file.{state.value}", judged.detail)

    @staticmethod
    def _stands(current: Item) -> bool:
        """Tell whether a row is judged anew in place; one that was replaced was another file's."""
        return current.state in JUDGED_AGAIN and current.reason is not Reason.REPLACED

    @staticmethod
    def gives_way(current: Item) -> bool:
        """Tell whether a row ends because another file stands at its path.

        One whose upload may have arrived does not (interface 2): it stays held, as history.
        """
        return current.state in REPLACEABLE and current.reason is not Reason.UNCONFIRMED

    def _judge_again(self, current: Item, judged: events.Judged, like: Item) -> None:
        kept = replace(
            like,
            id=current.id,
            state=current.state,
            reason=current.reason,
            detail=current.detail,
            attempts=current.attempts,
            first_seen_at=current.first_seen_at,
            updated_at=current.updated_at,
            hidden=current.hidden
            and (current.state, current.reason) == (judged.state, judged.reason),
        )
        revised = self._ctx.journal.revise(current, kept, self._ctx.now.wall)
        if judged is SKIPPED:
            skip(self._ctx, revised)
        else:
            self._ctx.apply(revised, judged)

    def _described(self, path: str, stat: Stat, facts: Facts | None) -> Item:
        """A row's unchanging part: what the file is and with which fields it would go."""
        folder = self.lent.pop(path, None) or self._folder_of(path)
        resolved = self.describing.fields_at(path, stat, folder)
        findings = facts.findings if facts else None
        scope = fields.scope_of(resolved, self._ctx.settings.api.scope.value)
        meant = self.pay_again.get(path)
        fingerprint = facts.fingerprint if facts else None
        pay_again = meant is not None and meant.is_it(stat, fingerprint)
        if meant is not None and not pay_again:
            self._ctx.log.warning("file.not_paid_again", path=path, detail=NOT_MEANT)
        asked = path in self.past_guard
        self.drop_wishes(path)
        return Item(
            id=0,
            path=path,
            folder=folder.name if folder else None,
            state=State.SETTLING,
            stat=stat,
            volume=self.openings.volume_of(path),
            fingerprint=fingerprint,
            container=findings.container if findings else None,
            codec=findings.video.codec if findings and findings.video else None,
            duration_s=findings.duration_s if findings else None,
            scope=str(scope),
            first_seen_at=self._ctx.now.wall,
            fields=resolved,
            rules=self._digest,
            pay_again=pay_again,
            approved=(Reason.SURGE,) if asked else (),
        )


def _is_skipped(current: Item, like: Item) -> bool:
    """Tell whether a skipped row has its path's new file for a copy, as far as samples tell.

    Its content counts as known (rules R3), so it stays; whether it is a copy is then found out.
    """
    known = current.state is State.SKIPPED and current.content_hash is not None
    return known and current.fingerprint == like.fingerprint


def _rejected(verdict: validate.Reject | validate.Unfinished) -> events.Judged:
    return events.Judged(State.REJECTED, verdict.reason, verdict.detail)
