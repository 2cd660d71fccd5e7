"""What would happen to a file that lies there: take, skip, reject, wait."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ingestd import fields, validate
from ingestd.cli import words
from ingestd.cli.patience import Unanswered, patiently
from ingestd.daemon.intake.cards import missing_now
from ingestd.daemon.intake.content import is_paid
from ingestd.daemon.intake.judging import SEEN_BY_NAME, rules_of
from ingestd.daemon.intake.recording import OF_THE_GUARD
from ingestd.model import Facts, Reason, State
from ingestd.probe import ProbeTrouble, TroubleKind, open_below, probe
from ingestd.watch.cameras import proxy_of
from ingestd.watch.entries import EntryKind

if TYPE_CHECKING:
    from ingestd.cli.walk import Found
    from ingestd.config import Folder, Settings
    from ingestd.journal import JournalReader
    from ingestd.model import Item
    from ingestd.watch.entries import Entry

#: How long one file may take to be looked into, seconds.
PATIENCE: Final = 60.0
#: So many contents of one plan are remembered, to find copies among them: about 20 MB.
REMEMBERED: Final = 100_000
_SENT: Final = frozenset({State.UPLOADING, State.CONFIRMING, State.INDEXING, State.PARSED})
_COPIES: Final = frozenset({State.DUPLICATE, State.SKIPPED})


class Action(StrEnum):
    """What would happen."""

    TAKE = "take"
    SKIP = "skip"  # known already, or the same content is
    REJECT = "reject"
    HOLD = "hold"  # valid, but not without a person's word: `approve` or `skip`
    WAIT = "wait"  # not complete or not readable now; looked at again


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one file, and why."""

    path: str
    action: Action
    reason: str  # a word for sums: new, parsed, duplicate, codec, incomplete ...
    detail: str = ""
    size: int | None = None
    duration_s: float | None = None
    id: int | None = None  # the row that is known


class Planner:
    """Judges files as the daemon would, without changing anything."""

    def __init__(
        self,
        settings: Settings,
        reader: JournalReader | None,
        *,
        pay_again: bool = False,
        by_hand: bool = False,
    ) -> None:
        """Take the rules; `by_hand`: for `add`, which takes cameras' proxies too."""
        self._rules = rules_of(settings)
        self._scope_kind = settings.api.scope.value
        self._dedupe = settings.upload.dedupe
        self._reader = reader
        self._pay_again, self._by_hand = pay_again, by_hand
        self._seen: dict[tuple[int, str, str], str] = {}

    def plan(self, found: Found) -> Planned:
        """Say what would happen to a file."""
        path, entry = found.entry.path, found.entry
        size = entry.stat.size if entry.stat else None
        if found.ignored:
            detail = f"not taken: {found.ignored}"
            return Planned(path, Action.SKIP, "ignored", detail, size)
        if entry.stat is None:
            return Planned(path, Action.WAIT, "unreadable", entry.error or "cannot be read")
        if entry.kind is not EntryKind.FILE:
            return self._by_name(path, Reason.NOT_REGULAR, size)
        if entry.refused_extension:
            return self._by_name(path, Reason.EXTENSION, size)
        return self._known(found) or self._look(found)

    def _by_name(self, path: str, reason: Reason, size: int | None) -> Planned:
        return Planned(path, Action.REJECT, reason, SEEN_BY_NAME[reason], size)

    def _known(self, found: Found) -> Planned | None:
        """What the journal knows of this very file; None: it has to be looked into."""
        entry = found.entry
        item = self._reader.current(entry.path) if self._reader else None
        if item is None or not _same_file(item, entry):
            return None
        if item.state is State.QUEUED:
            return _row(item, Action.TAKE, "in line already")
        return None if self._pay_again else self._standing(item)

    def _standing(self, item: Item) -> Planned | None:
        """What a row that is not in line says; None: the file is judged again."""
        if item.state in _SENT or item.state in _COPIES or item.video_no is not None:
            return _row(item, Action.SKIP, item.detail or "known already, not paid again")
        if item.state is State.HELD:
            if self._by_hand and item.reason in OF_THE_GUARD:
                return _row(item, Action.TAKE, "held by the guard until now")
            held = _row(item, Action.HOLD, item.detail or "waits for a person")
            return replace(held, reason=item.reason or item.state)
        return None

    def _look(self, found: Found) -> Planned:
        entry = found.entry
        size = entry.stat.size if entry.stat else None
        facts = _probe(found.folder, entry.path)
        if isinstance(facts, ProbeTrouble):
            return Planned(entry.path, Action.WAIT, facts.kind, facts.detail, size)
        verdict = validate.judge(entry.path, facts, self._rules)
        length = facts.findings.duration_s
        if found.folder.junk and not self._by_hand and (why := proxy_of(entry.path)):
            return Planned(entry.path, Action.REJECT, Reason.PROXY, why, size, length)
        if not isinstance(verdict, validate.Accept):
            refused = isinstance(verdict, validate.Reject)
            action = Action.REJECT if refused else Action.WAIT
            return Planned(entry.path, action, verdict.reason, verdict.detail, size, length)
        if missing := missing_now(found.folder, entry.path):
            reason = Reason.NO_CHECKSUM_LIST
            return Planned(entry.path, Action.WAIT, reason, f"waits: {missing}", size, length)
        if verdict.oversize:
            detail = validate.held_for_its_size(facts.stat.size)
            return Planned(entry.path, Action.HOLD, Reason.OVERSIZE, detail, size, length)
        return self._content(found.folder, entry.path, facts)

    def _content(self, folder: Folder, path: str, facts: Facts) -> Planned:
        """A sampled match is a suspicion: the full content decides before it is sent (rules R4)."""
        size, length = facts.stat.size, facts.findings.duration_s
        if self._dedupe and not self._pay_again:
            scope = self._scope(folder, path, facts)
            if twin := self._twin(path, facts, scope):
                detail = f"probably the same content as {twin}; compared in full before uploading"
                return Planned(path, Action.SKIP, "duplicate", detail, size, length)
            if twin := self._elsewhere(facts, scope):
                detail = f"probably the same content as {twin}; approve pays for {scope} too"
                return Planned(path, Action.HOLD, Reason.OTHER_SCOPE, detail, size, length)
        return Planned(path, Action.TAKE, "new", "", size, length)

    def _scope(self, folder: Folder, path: str, facts: Facts) -> str:
        at = time.strftime("%Y-%m-%d", time.localtime(facts.stat.mtime_ns / 1e9))
        host = socket.gethostname()
        context = fields.Context(path, str(folder.path), folder.name, at, host)
        return str(fields.scope_of(fields.resolve(folder.fields, context), self._scope_kind))

    def _twin(self, path: str, facts: Facts, scope: str) -> str:
        size, sample = facts.stat.size, facts.fingerprint
        rows = self._reader.same_content(size, sample, scope=scope) if self._reader else ()
        for row in rows:
            if row.path != path or row.video_no is not None:
                return f"file {row.id}, {words.printable(row.path)}"
        key = (size, sample, scope)
        if key in self._seen:
            return words.printable(self._seen[key])
        if len(self._seen) < REMEMBERED:
            self._seen[key] = path
        return ""

    def _elsewhere(self, facts: Facts, scope: str) -> str:
        """The file of another scope that is paid for, or going to be, with this content."""
        key = (facts.stat.size, facts.fingerprint)
        for row in self._reader.same_content(*key) if self._reader else ():
            if row.scope not in (None, scope) and is_paid(row):
                return f"file {row.id}, {words.printable(row.path)}, which is in {row.scope}"
        return ""


def _same_file(item: Item, entry: Entry) -> bool:
    if item.stat is None or entry.stat is None:
        return False
    return item.stat.same_content_as(entry.stat)


def _row(item: Item, action: Action, detail: str) -> Planned:
    size = item.stat.size if item.stat else None
    return Planned(item.path, action, item.state, detail, size, item.duration_s, item.id)


def _probe(folder: Folder, path: str) -> Facts | ProbeTrouble:
    root = str(folder.path)
    relative = os.path.relpath(path, root)
    follow = folder.follow_symlinks
    try:
        return patiently(
            lambda: probe(lambda: open_below(root, relative, follow_symlinks=follow)), PATIENCE
        )
    except Unanswered:
        detail = "Its disk or share does not answer: is the server there? It is tried again."
        return ProbeTrouble(TroubleKind.UNREADABLE, detail)
