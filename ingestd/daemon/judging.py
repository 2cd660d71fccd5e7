"""Judging: settled files are probed, judged and recorded; the way from memory into the journal."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd import fields, validate
from ingestd.config import Fields
from ingestd.daemon.looking import look_into
from ingestd.daemon.messages import Probed
from ingestd.lifecycle import events
from ingestd.model import Facts, Findings, Item, Reason, State, Track
from ingestd.probe import ProbeTrouble, TroubleKind, open_below
from ingestd.watch.cameras import suspicions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import Folder
    from ingestd.daemon.context import Context
    from ingestd.model import Stat
    from ingestd.settle import Candidate, SettleTracker
    from ingestd.watch.entries import Entry

LANE = "probe"


def lane(kind: str, folder: Folder | None) -> str:
    """Name the lane for work on a folder's files: a dead share holds up no other folder's."""
    return f"{kind} {folder.name if folder else ''}"


def _not_in_order(root: str) -> int:
    raise OSError(errno.ESTALE, "the folder is not in order", root)


#: States whose content was not sent: another file at the path simply takes their place.
REPLACEABLE = frozenset({State.HELD, State.QUEUED, State.SKIPPED, State.DUPLICATE})
#: States in which the fields of an attempt are on their way.
SENDING = frozenset({State.UPLOADING, State.CONFIRMING})
#: States whose row is judged anew in place.
JUDGED_AGAIN = frozenset({State.GONE, State.REJECTED})
_MAY_BE_PROXY = "Its name is that of a camera's proxy, and files are still arriving beside it"
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


class Judging:
    """The desk that turns settled files into rows."""

    def __init__(
        self,
        ctx: Context,
        tracker: SettleTracker,
        folder_of: Callable[[str], Folder | None],
        device_of: Callable[[str], int | None],
    ) -> None:
        """Take the desk.

        Args:
            ctx: the loop's surroundings.
            tracker: what settles.
            folder_of: names the watched folder that a path lies in, if any.
            device_of: names the device of that folder's root; None: it is not in order.
        """
        self._ctx, self._tracker = ctx, tracker
        self._folder_of, self._device_of = folder_of, device_of
        self.lent: dict[str, Folder] = {}  # paths added by hand with the fields of a folder
        self._probing: set[str] = set()
        self.pay_again: set[str] = set()  # paths that a person asked to pay for again
        self.by_hand: set[str] = set()  # paths that a person added: proxies too
        self.reconfigure()

    def reconfigure(self) -> None:
        """Take the rules from the settings."""
        section = self._ctx.settings.validate
        self.rules = validate.Rules(
            extensions=section.extensions,
            min_size=section.min_size,
            max_size=section.max_size,
            codecs=section.codecs,
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
        self._probing.add(candidate.path)
        open_file = self.opener(candidate.path)
        proxies = self._leaves_proxies_out(candidate.path)
        broke = ProbeTrouble(TroubleKind.UNREADABLE, "It could not be looked into.")
        self._ctx.workers.submit(
            lane(LANE, self._folder_of(candidate.path)),
            lambda: look_into(candidate, open_file, proxies=proxies),
            Probed(candidate, broke),
        )

    def _leaves_proxies_out(self, path: str) -> bool:
        """Tell whether a proxy is refused: `add` takes it, and `junk: false` takes all."""
        folder = self._folder_of(path)
        return path not in self.by_hand and (folder is None or folder.junk)

    def opener(self, path: str) -> Callable[[], int]:
        """A function that opens a file below its folder's root, or its own directory.

        What lies at the path of a root that is not in order is not opened: it may be the empty
        directory below a mount, or another disk.
        """
        folder = self._folder_of(path)
        if folder is None:
            parent, name = os.path.split(path)
            return lambda: open_below(parent, name, follow_symlinks=False)
        root, follow, device = str(folder.path), folder.follow_symlinks, self._device_of(path)
        relative = os.path.relpath(path, root)
        if device is None:
            return partial(_not_in_order, root)
        return lambda: open_below(root, relative, follow_symlinks=follow, device=device)

    # --- the answers ------------------------------------------------------------------------

    def probed(self, message: Probed) -> None:
        """Judge what a probe found and record it."""
        candidate, result = message.candidate, message.result
        path = candidate.path
        self._probing.discard(path)
        if isinstance(result, ProbeTrouble):
            self._trouble(candidate, result)
            return
        verdict = validate.judge(path, result, self.rules)
        if message.proxy:
            verdict = validate.Reject(Reason.PROXY, message.proxy)
        elif isinstance(verdict, validate.Accept) and self._awaits_main(candidate):
            return
        if isinstance(verdict, validate.Unfinished):
            self._unfinished(candidate, result, verdict)
            return
        if not self._tracker.done(path):
            return
        if isinstance(verdict, validate.Reject):
            self._record(path, result, State.REJECTED, verdict.reason, verdict.detail)
        else:
            self._record(path, result, State.QUEUED, None, None)

    def _unfinished(self, candidate: Candidate, facts: Facts, verdict: validate.Unfinished) -> None:
        """Unfinished is not wrong until `incomplete_after`; looked into again after that too."""
        path, mono, since = candidate.path, self._ctx.now.mono, candidate.unfinished_since
        folder = self._folder_of(path)
        if folder is None:  # added by hand from elsewhere: nobody will look again
            if self._tracker.done(path):
                self._record(path, facts, State.REJECTED, verdict.reason, verdict.detail)
        elif self._tracker.unfinished(path, verdict.detail, mono):
            waited = 0.0 if since is None else mono - since
            if waited >= folder.incomplete_after:
                self._record(path, facts, State.REJECTED, verdict.reason, verdict.detail)

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
        self.pay_again.discard(path)
        self.by_hand.discard(path)

    def _trouble(self, candidate: Candidate, trouble: ProbeTrouble) -> None:
        path, mono = candidate.path, self._ctx.now.mono
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
        self._enter(path, State.REJECTED, reason, detail, self._described(path, stat, None))

    def _record(
        self, path: str, facts: Facts, state: State, reason: Reason | None, detail: str | None
    ) -> None:
        item = self._ctx.journal.current(path)
        if item is not None and self._same_file(item, facts):
            self.drop_wishes(path)
            self._ctx.journal.revise(item, replace(item, stat=facts.stat), self._ctx.now.wall)
            return
        self._enter(path, state, reason, detail, self._described(path, facts.stat, facts))

    def _same_file(self, item: Item, facts: Facts) -> bool:
        """Tell whether a row's file was merely touched: renamed and back, a chmod, another inode.

        A paid row needs the same mtime too, because a sample proves nothing (rules R4); of an
        unsent row only what lies there now can be sent.
        """
        if item.stat is None or item.fingerprint != facts.fingerprint or item.pay_again:
            return False
        if item.path in self.pay_again or item.state in JUDGED_AGAIN:
            return False
        if item.state in REPLACEABLE:
            return item.state is not State.DUPLICATE or item.stat.mtime_ns == facts.stat.mtime_ns
        return item.stat.mtime_ns == facts.stat.mtime_ns

    def _enter(
        self, path: str, state: State, reason: Reason | None, detail: str | None, like: Item
    ) -> None:
        """Put a verdict into the journal: a new row, or the old one judged anew."""
        current = self._ctx.journal.current(path)
        judged = events.Judged(state, reason, detail)
        with self._ctx.journal.transaction():
            if current is not None and self._stands(current) and like.pay_again is False:
                self._judge_again(current, judged, like)
                return
            if current is not None and self.gives_way(current):
                self._ctx.apply(current, events.Replaced())
            added = replace(
                like,
                state=state,
                reason=reason,
                detail=detail,
                queued_at=self._ctx.now.wall if state is State.QUEUED else None,
                next_attempt_at=self._ctx.now.wall if state is State.QUEUED else None,
            )
            self._ctx.add(added, f"file.{state.value}", detail)

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
        self._ctx.apply(revised, judged)

    def _described(self, path: str, stat: Stat, facts: Facts | None) -> Item:
        """A row's unchanging part: what the file is and with which fields it would go."""
        folder = self.lent.pop(path, None) or self._folder_of(path)
        resolved = self._fields(path, stat, folder)
        findings = facts.findings if facts else None
        scope = fields.scope_of(resolved, self._ctx.settings.api.scope.value)
        pay_again = path in self.pay_again
        self.pay_again.discard(path)
        self.by_hand.discard(path)
        return Item(
            id=0,
            path=path,
            folder=folder.name if folder else None,
            state=State.SETTLING,
            stat=stat,
            fingerprint=facts.fingerprint if facts else None,
            container=findings.container if findings else None,
            codec=findings.video.codec if findings and findings.video else None,
            duration_s=findings.duration_s if findings else None,
            scope=str(scope),
            first_seen_at=self._ctx.now.wall,
            fields=resolved,
            rules=self._digest,
            pay_again=pay_again,
        )

    def _fields(self, path: str, stat: Stat, folder: Folder | None) -> dict[str, object]:
        context = fields.Context(
            path=path,
            root=str(folder.path) if folder else str(Path(path).parent),
            folder=folder.name if folder else Path(path).parent.name,
            date=time.strftime("%Y-%m-%d", time.localtime(stat.mtime_ns / 1e9)),
            host=self._ctx.host,
        )
        return fields.resolve(folder.fields if folder else Fields(), context)

    # --- under another path -------------------------------------------------------------------

    def scope_at(self, path: str, item: Item) -> str | None:
        """The scope with which a row's file would go from another path."""
        if item.stat is None:
            return None
        resolved = self._fields(path, item.stat, self._folder_of(path))
        return str(fields.scope_of(resolved, self._ctx.settings.api.scope.value))

    def renamed(self, item: Item, path: str, stat: Stat) -> Item:
        """A row under its new path; what is still to be sent goes with the fields of that path."""
        folder = self._folder_of(path)
        sent = item.video_no is not None or item.state in SENDING
        return replace(
            item,
            path=path,
            folder=folder.name if folder else None,
            stat=stat,
            fields=item.fields if sent else self._fields(path, stat, folder),
        )

    # --- when a row is claimed --------------------------------------------------------------

    def judge_claimed(self, item: Item) -> str:
        """Judge a queued row again if the rules changed; "" or why it does not go."""
        if item.rules == self._digest or item.stat is None:
            return ""
        track = Track("video", item.codec or "", item.codec or "")
        findings = Findings(item.container, complete=True, tracks=(track,))
        facts = Facts(item.stat, findings, item.fingerprint or "")
        verdict = validate.judge(item.path, facts, self.rules)
        if isinstance(verdict, validate.Reject):
            self._ctx.apply(item, events.Judged(State.REJECTED, verdict.reason, verdict.detail))
            return verdict.detail
        return ""
