"""How a verdict enters the journal: as a new row, or as the old one judged anew (rules R4, R6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd import fields
from ingestd.daemon.intake.asked import Asked
from ingestd.daemon.intake.describing import Describing
from ingestd.daemon.intake.placing import SKIPPED, oversized, skip
from ingestd.lifecycle import events
from ingestd.model import Facts, Item, Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Folder
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.opening import Openings
    from ingestd.daemon.intake.placing import Placing
    from ingestd.model import Stat

#: States whose content was not sent: another file at the path simply takes their place.
REPLACEABLE = frozenset({State.HELD, State.QUEUED, State.SKIPPED, State.DUPLICATE})
#: States whose row is judged anew in place.
JUDGED_AGAIN = frozenset({State.GONE, State.REJECTED})
#: Stands for the number of a row that is not made yet: every row is older.
NEWEST = 1 << 62
#: Reasons that `add` overrides: it skips the guard and nothing else (interface 3).
OF_THE_GUARD = frozenset({Reason.SURGE, Reason.FIRST_LOOK})
#: Files whose times change by themselves that are remembered, and so many times of each.
MOST_UNSTEADY, MOST_TIMES = 10_000, 4
NOT_MEANT = (
    "It was to be paid for again, and changed after that was said: it is taken as any other file, "
    "so what is paid already is not paid again. Say it once more if it is meant as it is now."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a file."""

    facts: Facts
    content_hash: str | None = None  # blake3, if it was read whole


class Recording:
    """Writes verdicts down."""

    def __init__(
        self,
        ctx: Context,
        folder_of: Callable[[str], Folder | None],
        openings: Openings,
        placing: Placing,
        digest: Callable[[], str],
    ) -> None:
        """Take the room.

        Args:
            ctx: the loop's surroundings.
            folder_of: names the watched folder that a path lies in, if any.
            openings: names the file system that a path lies on.
            placing: says where an acceptable file goes.
            digest: of the rules in force.
        """
        self._ctx, self._folder_of, self._openings = ctx, folder_of, openings
        self._placing, self._brake, self._digest = placing, placing.brake, digest
        self.describing = Describing(ctx, folder_of)
        self.asked = Asked()
        self._also: dict[int, tuple[str, tuple[Stat, ...]]] = {}  # row: its content, seen as what

    def refuse(self, path: str, stat: Stat, reason: Reason, detail: str) -> None:
        """Record a refusal of what was not looked into; nothing if that is known."""
        current = self._ctx.journal.current(path)
        if current is not None and current.state is State.REJECTED and current.reason is reason:
            return
        judged = events.Judged(State.REJECTED, reason, detail)
        self._enter(path, judged, self._described(path, stat, None))

    def record(
        self, path: str, found: Found, judged: events.Judged | None, *, oversize: bool = False
    ) -> None:
        """Record what was found; `judged` None: the file is acceptable."""
        facts, item = found.facts, self._ctx.journal.current(path)
        if item is not None and self._same_file(item, found):
            if item.rules is None and item.state is State.QUEUED:
                self._completed(item, found, judged, oversize=oversize)
                return
            self._touched(item, found, judged, asked=path in self.asked.past_guard)
            self.asked.drop(path)
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
            placed = judged or self._placing.place(numbered, known, oversize=oversize)
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
        self._remember(same, item.stat)
        with self._ctx.journal.transaction():
            row = self._ctx.journal.revise(item, same, self._ctx.now.wall)
            if asked and row.state is State.HELD and row.reason in OF_THE_GUARD:
                self._ctx.apply(row, events.Approved())
            elif row.state is State.HELD and row.reason is Reason.NO_CHECKSUM_LIST:
                placed = judged or self._placing.place(row, None, oversize=False)
                if placed.state is not State.HELD:
                    row = self._ctx.apply(row, events.Judged(State.QUEUED, None, None))
                if placed.state is not State.QUEUED:
                    self._ctx.apply(row, placed)

    def _completed(
        self, item: Item, found: Found, judged: events.Judged | None, *, oversize: bool
    ) -> None:
        """Judge a row that `recover` restored and that goes now, as if it were a new one.

        The mirror knows neither the fields that its file goes with nor what a skipped one is. The
        guard has no say: it was known.
        """
        like = self._described(item.path, found.facts.stat, found.facts)
        self._brake.answered(item.path)
        whole = replace(
            item,
            stat=like.stat,
            volume=like.volume,
            container=like.container,
            codec=like.codec,
            duration_s=like.duration_s,
            content_hash=found.content_hash or item.content_hash,
            scope=like.scope,
            fields=like.fields,
            rules=like.rules,
            next_attempt_at=self._ctx.now.wall,
        )
        if oversize and judged is None:
            judged = oversized(whole)
        with self._ctx.journal.transaction():
            row = self._ctx.journal.revise(item, whole, self._ctx.now.wall)
            if judged is not None:
                self._ctx.apply(row, judged)

    def renamed(self, item: Item, path: str, stat: Stat) -> Item:
        """A row under its new path, on the file system that it lies on there."""
        return self._now(self.describing.renamed(item, path, stat), stat)

    def _now(self, item: Item, stat: Stat) -> Item:
        """A row whose file lies there with this stat now."""
        return replace(item, stat=stat, volume=self._openings.volume_of(item.path))

    def _same_file(self, item: Item, found: Found) -> bool:
        """Tell whether a row's file was merely touched: renamed and back, a chmod, another inode.

        A row whose content is known in full needs the same mtime or the same full hash, because a
        sample proves nothing (rules R4): it may be paid, or others may be duplicates of it. Of any
        other unsent row only what lies there now can be sent.
        """
        if not self._has_sample(item, found.facts):
            return False
        if item.state in REPLACEABLE and item.content_hash is None:
            return True
        if item.stat is not None and item.stat.mtime_ns == found.facts.stat.mtime_ns:
            return True
        return _stays(item) and found.content_hash == item.content_hash

    def may_be_touched(self, path: str, facts: Facts) -> bool:
        """Tell whether only a file's full hash says if it is still the one that its row knows.

        Some servers show another mtime at every look; such a file keeps its one row.
        """
        item = self._ctx.journal.current(path)
        if item is None or not _stays(item) or not self._has_sample(item, facts):
            return False
        return not self._same_file(item, Found(facts))

    def also(self, item: Item) -> tuple[Stat, ...]:
        """As what else a row's file was seen, its content proven: its server makes up the times."""
        content, stats = self._also.get(item.id, ("", ()))
        return stats if _stays(item) and content == item.content_hash else ()

    def _remember(self, same: Item, before: Stat | None) -> None:
        """Note that one content was seen with two times; after a restart it is read once more."""
        if same.stat is None or before is None or same.content_hash is None:
            return
        if same.stat.mtime_ns == before.mtime_ns or not _stays(same):
            return
        if len(self._also) >= MOST_UNSTEADY:
            self._also.clear()
        seen = dict.fromkeys((before, same.stat, *self.also(same)))
        self._also[same.id] = (same.content_hash, tuple(seen)[:MOST_TIMES])

    def _has_sample(self, item: Item, facts: Facts) -> bool:
        """Tell whether a file looks like a row's, and nobody asked for more than to keep that."""
        if item.stat is None or item.fingerprint != facts.fingerprint or item.pay_again:
            return False
        meant = self.asked.pay_again.get(item.path)
        asked = meant is not None and meant.is_it(facts.stat, facts.fingerprint)
        return not asked and item.state not in JUDGED_AGAIN

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
        same = current.fingerprint == like.fingerprint
        if not same:
            self._ctx.journal.forget_closings(current.id)  # they were another file's
        kept = replace(
            like,
            id=current.id,
            state=current.state,
            reason=current.reason,
            detail=current.detail,
            attempts=current.attempts if same else 0,
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
        folder = self.asked.lent.get(path) or self._folder_of(path)
        resolved = self.describing.fields_at(path, stat, folder)
        findings = facts.findings if facts else None
        scope = fields.scope_of(resolved, self._ctx.settings.api.scope.value)
        meant = self.asked.pay_again.get(path)
        fingerprint = facts.fingerprint if facts else None
        pay_again = meant is not None and meant.is_it(stat, fingerprint)
        if meant is not None and not pay_again:
            self._ctx.log.warning("file.not_paid_again", path=path, detail=NOT_MEANT)
        asked = path in self.asked.past_guard
        self.asked.drop(path)
        return Item(
            id=0,
            path=path,
            folder=folder.name if folder else None,
            state=State.SETTLING,
            stat=stat,
            volume=self._openings.volume_of(path),
            fingerprint=fingerprint,
            container=findings.container if findings else None,
            codec=findings.video.codec if findings and findings.video else None,
            duration_s=findings.duration_s if findings else None,
            scope=str(scope),
            first_seen_at=self._ctx.now.wall,
            fields=resolved,
            rules=self._digest(),
            pay_again=pay_again,
            approved=(Reason.SURGE,) if asked else (),
        )


def _stays(item: Item) -> bool:
    """Tell whether a row stays its file's while that is touched: its whole content is known.

    Not while it is being sent, when another content would be another row, nor where it was refused
    for good: a touched file is tried again then.
    """
    if item.content_hash is None or item.state in (State.UPLOADING, State.CONFIRMING):
        return False
    return item.state is not State.FAILED or item.video_no is not None


def _is_skipped(current: Item, like: Item) -> bool:
    """Tell whether a skipped row has its path's new file for a copy, as far as samples tell.

    Its content counts as known (rules R3), so it stays; whether it is a copy is then found out.
    """
    known = current.state is State.SKIPPED and current.content_hash is not None
    return known and current.fingerprint == like.fingerprint
