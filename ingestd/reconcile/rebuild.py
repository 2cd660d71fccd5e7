"""Writing what was proven into the journal, so that the intake recognises it (rules R8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from ingestd.journal import DamagedRowError, Found
from ingestd.journal.reading import HIGHEST
from ingestd.lifecycle import Policy, decide, events
from ingestd.mirror import Intent, Paid, Result
from ingestd.model import Container, Item, Reason, Send, Stat, State
from ingestd.naming import token_of
from ingestd.reconcile.evidence import SKIPPED_SO, paid_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.journal import Journal
    from ingestd.mirror import Fact, Skipped
    from ingestd.reconcile.evidence import Evidence

#: Rows in one commit.
_AT_ONCE: Final = 500
_DETAIL: Final = "Restored by ingestd recover: it is paid for and is not sent again."
#: A row of the same content in one of these becomes the paid one.
_TAKES: Final = frozenset({State.QUEUED, State.CONFIRMING})


@dataclass(frozen=True, slots=True)
class _Known:
    """One paid video, or one attempt whose outcome nobody knows (`video_no` None)."""

    video_no: str | None
    at: float
    intent: Intent


def rebuild(journal: Journal, evidence: Evidence, now: float) -> int:
    """Restore all that the evidence proves; how many rows and videos that were."""
    count = 0
    _use_account(journal, evidence)
    facts = _known(evidence)
    while portion := list(islice(facts, _AT_ONCE)):
        with journal.transaction():
            for one in portion:
                if one.video_no is None or not journal.knows_video(one.video_no):
                    _restore(journal, one, now)
                    count += 1
    with journal.transaction():
        count += sum(_mark(journal, intent, now) for intent in evidence.unmarked.values())
        count += sum(_skip(journal, fact, now) for fact in evidence.skipped.values())
    there = (replace(one, account=journal.account) for one in evidence.found)
    found = chain(there, _pathless(evidence))
    while some := list(islice(found, _AT_ONCE)):
        with journal.transaction():
            for video in some:
                journal.add_found(video)
        count += len(some)
    with journal.transaction():
        _leave_behind(journal, now)
    return count


def _use_account(journal: Journal, evidence: Evidence) -> None:
    """Go on with the account of the newest upload; the journal may be from before it was used."""
    own = journal.newest_send()
    newest = max(((one.at, one.intent.account) for one in _known(evidence)), default=None)
    if newest is None or (own is not None and own.at >= newest[0]):
        return
    with journal.transaction():
        highest = journal.meta(HIGHEST, 1)
        if not isinstance(highest, int) or highest < newest[1]:
            journal.set_meta(HIGHEST, newest[1])
        if newest[1] != journal.account:
            journal.use_account(newest[1])


def _leave_behind(journal: Journal, now: float) -> None:
    """What is at an account that was in use before cannot be asked about (rules R3)."""
    for state in (State.CONFIRMING, State.INDEXING):
        for row in journal.in_state(state):
            if row.account != journal.account:
                decision = decide(row, events.LeftBehind(_ELSEWHERE), now, Policy(), 0.0)
                journal.move(row, decision.item, decision.name or "", now, decision.detail)


_ELSEWHERE: Final = (
    "It was sent to an account that was in use before, and the key of another one cannot ask about "
    "it. It may have been billed there; it is not sent again by itself."
)


def _known(evidence: Evidence) -> Iterator[_Known]:
    """The paid ones first: an attempt whose outcome is not known may be of the same content."""
    if evidence.mirror is not None:
        for fact, intent in paid_facts(evidence.mirror):
            if isinstance(fact, Result | Paid) and fact.video_no in evidence.videos:
                of = intent if isinstance(fact, Result) else _as_intent(fact)
                if of is not None:
                    yield _Known(fact.video_no, fact.at, of)
    for key, intent in evidence.open.items():
        if key in evidence.resolved:
            yield _Known(evidence.resolved[key], intent.at, intent)
    for key, intent in evidence.open.items():
        if key not in evidence.resolved:
            yield _Known(None, intent.at, intent)


def _pathless(evidence: Evidence) -> Iterator[Found]:
    """What an earlier `recover` found by its name, and wrote into the mirror."""
    if evidence.mirror is None:
        return
    for fact, _ in paid_facts(evidence.mirror):
        if isinstance(fact, Paid) and not fact.path and fact.video_no in evidence.videos:
            token = token_of(fact.name) or ""
            size, at = fact.size, fact.at or None
            yield Found(fact.video_no, fact.name, token, size, fact.scope, fact.account, at)


def _as_intent(fact: Fact) -> Intent | None:
    """A video that was paid before the mirror began; without a path it is found, not a file."""
    if not isinstance(fact, Paid) or not fact.path:
        return None
    return Intent(
        key="",
        name=fact.name,
        size=fact.size or 0,
        sample=fact.sample or "",
        content_hash=fact.content_hash or "",
        scope=fact.scope,
        watermark=None,
        at=fact.at,
        account=fact.account,
        path=fact.path,
        mtime_ns=fact.mtime_ns,
        folder=fact.folder,
        container=None,
        codec=None,
        duration_s=fact.duration_s,
    )


def _restore(journal: Journal, one: _Known, now: float) -> None:
    rows = _same_content(journal, one.intent)
    its = [row for row in rows if _is_its(row, one.intent)]
    paid = next((row for row in its if row.video_no), None)
    if one.video_no is None and paid is not None:
        # paid by another attempt; this one may be a second video, which is no other file's
        _record_attempt(journal, paid, one, now)
        return
    waiting = (row for row in its if row.video_no is None and row.state in _TAKES)
    heir = min(waiting, key=lambda row: row.path != one.intent.path, default=None)
    row = _insert(journal, one, now) if heir is None else _take_over(journal, heir, one, now)
    _suspect(journal, rows, row, now)


def _is_its(row: Item, fact: Intent | Skipped) -> bool:
    """Tell whether a row is of the very content; that it has the same sample proves nothing (R4).

    One that was not read whole is, if it is the same file as far as anybody can see.
    """
    if row.content_hash is not None and fact.content_hash:
        return row.content_hash == fact.content_hash
    mtime_ns = row.stat.mtime_ns if row.stat else None
    return (row.path, mtime_ns) == (fact.path, fact.mtime_ns)


def _suspect(journal: Journal, rows: Iterable[Item], original: Item, now: float) -> None:
    """Have the intake find out which of those that wait are copies of a row."""
    for row in rows:
        if row.id != original.id and row.state is State.QUEUED and row.video_no is None:
            journal.revise(row, replace(row, suspect_of=original.id), now)


def _same_content(journal: Journal, intent: Intent) -> tuple[Item, ...]:
    if not intent.sample:
        return ()
    try:
        return journal.same_content(intent.size, intent.sample, scope=intent.scope)
    except DamagedRowError:
        return ()


def _insert(journal: Journal, one: _Known, now: float) -> Item:
    intent = one.intent
    paid = one.video_no is not None
    row = Item(
        id=0,
        path=intent.path,
        folder=intent.folder,
        state=State.INDEXING if paid else State.CONFIRMING,
        detail=_DETAIL if paid else _UNKNOWN,
        stat=Stat(intent.size, intent.mtime_ns, 0, 0, 0),
        fingerprint=intent.sample or None,
        content_hash=intent.content_hash or None,
        container=Container(intent.container) if intent.container else None,
        codec=intent.codec,
        duration_s=intent.duration_s,
        video_no=one.video_no,
        upload_name=intent.name,
        scope=intent.scope,
        attempts=0 if paid else 1,
        next_attempt_at=now,
        first_seen_at=intent.at,
        queued_at=intent.at,
        uploaded_at=one.at if paid else None,
        account=intent.account,
    )
    current = journal.current(intent.path)
    older = current is not None and current.video_no is not None
    older = older and current is not None and (current.uploaded_at or 0.0) <= one.at
    restored = journal.restore(row, "journal.restored", now, row.detail, supersede=older)
    _record_attempt(journal, restored, one, now)
    return restored


_UNKNOWN: Final = (
    "Restored by ingestd recover: it was sent whole and no answer is known. memories.ai is asked "
    "whether it has it; nothing is sent again until that is known."
)


def _take_over(journal: Journal, row: Item, one: _Known, now: float) -> Item:
    """A row that waits is the paid one: it goes the way that an attempt would have taken it."""
    intent = one.intent
    if row.state is State.CONFIRMING and one.video_no is None:
        return row
    if row.state is State.QUEUED:
        started = replace(
            row,
            state=State.UPLOADING,
            upload_name=intent.name,
            scope=intent.scope,
            next_attempt_at=None,
        )
        row = journal.move(row, started, "upload.started", now, _DETAIL)
    paid = one.video_no is not None
    ended = replace(
        row,
        state=State.INDEXING if paid else State.CONFIRMING,
        detail=_DETAIL if paid else _UNKNOWN,
        content_hash=row.content_hash or intent.content_hash or None,
        video_no=one.video_no,
        suspect_of=None,
        attempts=row.attempts if paid else row.attempts + 1,
        delay=0.0,
        asks=0,
        asked_s=0.0,
        next_attempt_at=now,
        uploaded_at=one.at if paid else None,
        account=intent.account,
    )
    name = "upload.found" if paid else "upload.unknown"
    moved = journal.move(row, ended, name, now, ended.detail)
    _record_attempt(journal, moved, one, now)
    return moved


def _mark(journal: Journal, intent: Intent, now: float) -> bool:
    """Have an attempt asked about whose mark came after the journal was copied (rules R8)."""
    send = journal.send_of_key(intent.key)
    row = None if send is None else journal.item(send.item_id)
    if send is None or row is None or row.video_no is not None:
        return False
    if send.ended_at is None:
        journal.mark_send(send.id, intent.at)  # the next start settles it so
    elif row.state is State.QUEUED:  # a start has settled it already: not sent
        anew = _Known(None, intent.at, replace(intent, key=f"{intent.key}+"))
        _take_over(journal, row, anew, now)
    else:
        return False
    return True


_SKIPPED: Final = "Restored by ingestd recover: a person said that it is not to be uploaded."


def _skip(journal: Journal, fact: Skipped, now: float) -> bool:
    """Skip what was skipped, unless it was paid after all; tell whether that changed anything."""
    try:
        rows = journal.same_content(fact.size, fact.sample)
    except DamagedRowError:
        return False
    its = [_as_held(journal, row, fact, now) for row in rows if _is_its(row, fact)]
    if any(row.state not in SKIPPED_SO or _is_newer(journal, row, fact) for row in its):
        return False
    for row in its:
        decision = decide(row, events.Skipped(), now, Policy(), 0.0)
        journal.move(row, decision.item, "file.skipped", now, decision.detail)
    if not its:
        known = journal.restore(_skipped_row(fact), "journal.restored", now, _SKIPPED)
        _suspect(journal, rows, known, now)
    return True


def _is_newer(journal: Journal, row: Item, fact: Skipped) -> bool:
    """Tell whether a row was sent after its content was skipped: a person wanted it after all."""
    send = journal.last_send(row.id)
    return send is not None and send.at > fact.at


def _as_held(journal: Journal, row: Item, fact: Skipped, now: float) -> Item:
    """What is looked for was held when a person skipped it; there is no other way."""
    if row.state is not State.CONFIRMING or _is_newer(journal, row, fact):
        return row
    held = replace(row, state=State.HELD, reason=Reason.UNCONFIRMED, next_attempt_at=None)
    return journal.move(row, held, "confirm.held", now, row.detail)


def _skipped_row(fact: Skipped) -> Item:
    return Item(
        id=0,
        path=fact.path,
        folder=fact.folder,
        state=State.SKIPPED,
        detail=_SKIPPED,
        stat=Stat(fact.size, fact.mtime_ns, 0, 0, 0),
        fingerprint=fact.sample,
        content_hash=fact.content_hash,
        duration_s=fact.duration_s,
        scope=fact.scope,
        first_seen_at=fact.at,
        account=fact.account,
    )


def _record_attempt(journal: Journal, row: Item, one: _Known, now: float) -> None:
    intent = one.intent
    if not intent.key or journal.send_of_key(intent.key) is not None:
        return
    send = journal.begin_send(
        Send(
            id=0,
            item_id=row.id,
            at=intent.at,
            upload_name=intent.name,
            scope=intent.scope,
            size=intent.size,
            sent=intent.size,
            watermark=intent.watermark,
            key=intent.key,
        )
    )
    journal.mark_send(send.id, intent.at)
    # not as accepted: a person may have said which video it is, and it may be anybody's
    journal.end_send(send.id, now, "unknown" if one.video_no is None else "found")
