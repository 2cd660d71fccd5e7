"""Judging: settled files are probed and judged; `recording` writes the verdict down."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd import validate
from ingestd.checksums.verdict import Verdict
from ingestd.daemon.intake.cards import Standing
from ingestd.daemon.intake.opening import LANE, Openings
from ingestd.daemon.intake.recording import Found, Recording
from ingestd.daemon.messages import Probed
from ingestd.lifecycle import events
from ingestd.model import Facts, Item, Reason, State
from ingestd.probe import ProbeTrouble, TroubleKind
from ingestd.watch.cameras import suspicions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.checksums.verdict import Checked
    from ingestd.config import Folder, Settings
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.placing import Placing
    from ingestd.settle import Candidate, SettleTracker
    from ingestd.watch.entries import Entry

#: A program that keeps a file open for so long and writes nothing is not waited for, seconds.
WRITER_S = 86_400.0
#: Files that are compared with their checksum list are read whole: that holds up no other probe.
VERIFY_LANE = "verify"
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


def rules_of(settings: Settings) -> validate.Rules:
    """The rules that the settings say, for the daemon and for `plan`."""
    section = settings.validate
    return validate.Rules(
        extensions=section.extensions,
        min_size=section.min_size,
        max_size=section.max_size,
        codecs=section.codecs,
        oversize=validate.Oversize(section.oversize.value),
    )


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
        self._brake = placing.brake
        self.recording = Recording(ctx, folder_of, openings, placing, lambda: self._digest)
        self.asked = self.recording.asked
        self._stop = threading.Event()
        self._probing: set[str] = set()
        self._hold: dict[str, str] = {}  # being probed: why it is held if it is valid
        #: Asked of the cards' desk, once there is one: may a settled file be looked into?
        self.standing: Callable[[Candidate], Standing] = lambda _: Standing()
        #: Told to it: no list names this file; answers why it is held, or "": it waits.
        self.unlisted: Callable[[Candidate, str], str] = lambda _path, _why: ""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Take the rules from the settings."""
        self.rules = rules_of(self._ctx.settings)
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

        def look() -> Probed:
            from ingestd.daemon.intake.looking import look_into  # noqa: PLC0415 - see `late`

            return look_into(candidate, open_file, proxies=proxies, listed_below=listed_below)

        lane = self.openings.lane(LANE if listed_below is None else VERIFY_LANE, path)
        self._ctx.workers.submit(lane, look, Probed(candidate, broke))

    def _leaves_proxies_out(self, path: str) -> bool:
        """Tell whether a proxy is refused: `add` takes it, and `junk: false` takes all."""
        folder = self._folder_of(path)
        return path not in self.asked.by_hand and (folder is None or folder.junk)

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
        if valid and message.content_hash is None and self.recording.may_be_touched(path, facts):
            self._read_whole(message, facts)
            return
        if valid and path not in self.asked.past_guard and self._brake.sets_aside(message):
            return
        if not self._tracker.done(path):
            self._brake.answered(path)
            return
        found = Found(facts, message.content_hash)
        if isinstance(verdict, validate.Reject):
            self.recording.record(path, found, _rejected(verdict))
        elif hold:
            held = events.Judged(State.HELD, Reason.NO_CHECKSUM_LIST, hold)
            self.recording.record(path, found, held)
        else:
            self.recording.record(path, found, None, oversize=verdict.oversize)

    def _read_whole(self, message: Probed, facts: Facts) -> None:
        """Its row knows a content that this file may hold: the content decides."""
        path = message.candidate.path
        self._probing.add(path)
        open_file, stop = self.openings.opener(path), self._stop
        broke = ProbeTrouble(TroubleKind.UNREADABLE, "It could not be read to its end.")

        def read() -> Probed:
            from ingestd.daemon.intake.looking import read_whole  # noqa: PLC0415 - see `late`

            return read_whole(message, facts, open_file, stop)

        lane = self.openings.lane(VERIFY_LANE, path)
        self._ctx.workers.submit(lane, read, Probed(message.candidate, broke))

    def close(self) -> None:
        """End what is read whole; it is looked into anew at the next start."""
        self._stop.set()

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
                self.recording.record(path, Found(facts), _rejected(verdict))
        elif self._tracker.unfinished(path, verdict.detail, mono):
            waited = 0.0 if since is None else mono - since
            if waited >= folder.incomplete_after:
                self.recording.record(path, Found(facts), _rejected(verdict))
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

    def _trouble(self, candidate: Candidate, trouble: ProbeTrouble) -> None:
        path, mono = candidate.path, self._ctx.now.mono
        self._brake.answered(path)
        match trouble.kind:
            case TroubleKind.VANISHED:
                self._tracker.gone(path)
                self.asked.drop(path)
            case TroubleKind.CHANGED:
                self._tracker.trouble(path, "It changed while it was looked into.", mono)
            case TroubleKind.UNREADABLE:
                self._tracker.trouble(path, trouble.detail, mono)
                self._ctx.log.warning("file.unreadable", path=path, detail=trouble.detail)
            case TroubleKind.NOT_REGULAR | TroubleKind.OUTSIDE_ROOT:
                if self._tracker.done(path):
                    reason = Reason(trouble.kind.value)
                    self.recording.refuse(path, candidate.stat, reason, trouble.detail)

    def refuse_unseen(self, folder: Folder, entry: Entry, item: Item | None) -> None:
        """Refuse by name or kind alone, without a look inside."""
        del folder
        reason = Reason.EXTENSION if entry.refused_extension else Reason.NOT_REGULAR
        if item is not None and item.state is State.REJECTED and item.reason is reason:
            return
        self._tracker.gone(entry.path)
        if entry.stat is not None:
            self.recording.refuse(entry.path, entry.stat, reason, SEEN_BY_NAME[reason])


def _rejected(verdict: validate.Reject | validate.Unfinished) -> events.Judged:
    return events.Judged(State.REJECTED, verdict.reason, verdict.detail)
