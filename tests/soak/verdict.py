"""What must be true after a schedule, whatever happened in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blake3 import blake3

from ingestd.daemon.once import WORKING
from ingestd.model import Item, Reason, State
from soak.limits import BrokenPromiseError, kept
from soak.rig import content

if TYPE_CHECKING:
    from pathlib import Path

    from soak.rig import Rig

#: Events of a row's history that count as an attempt of the file's own (interface 3, `attempts`).
COUNTED = frozenset({"upload.unknown", "upload.not_sent", "upload.given_up"})
KINDS, TWINS = range(8), range(3)


@dataclass(slots=True)
class Tally:
    """What a schedule was about, for the sums of a soak."""

    rows: int = 0
    sends: int = 0
    lost: int = 0  # whole bodies without a clear word
    held: int = 0  # unconfirmed in the end
    found: int = 0
    resent: int = 0
    crashes: Counter[str] = field(default_factory=Counter)


def drained(rig: Rig) -> bool:
    """Tell whether nothing is left to do."""
    tracker = rig.daemon.tracker
    working = any(row.state in WORKING for row in rig.rows())
    return not working and len(tracker) == tracker.waiting() and not rig.lanes.late


def judge(rig: Rig) -> Tally:
    """Check everything; raises `BrokenPromiseError`."""
    rig.check()
    rows = rig.rows()
    _paid_once(rig, rows)
    _nothing_lost(rig)
    _linked_right(rig, rows)
    _counted_right(rig, rows)
    kept(rig, rows)
    return _tally(rig, rows)


def _paid_once(rig: Rig, rows: list[Item]) -> None:
    # found again after a lost answer, and gone from the disk before it could be read: what has the
    # same sample is uploaded then (rules R4, neither to be had)
    unread = {row.video_no for row in rows if row.content_hash is None}
    seen: dict[tuple[str, str], str] = {}
    allowed = Counter(rig.allowed.payments)
    for row in rig.far.rows:
        if not row.ours:
            continue
        key = (row.scope, row.content)
        first = seen.setdefault(key, row.number)
        again = first != row.number and first not in unread and row.number not in unread
        if again and not _use(allowed, key):
            raise BrokenPromiseError(
                f"paid twice: {row.stem} in {row.scope}: {first} and {row.number}"
            )


def _use(allowed: Counter[tuple[str, str]], key: tuple[str, str]) -> bool:
    """Use a payment that a person allowed; a reload may have given the file another scope since."""
    scope, content = key
    moved = ((one, other) for one, other in allowed if one != scope and other == content)
    for one in (key, *moved):
        if allowed[one] > 0:
            allowed[one] -= 1
            return True
    return False


def _nothing_lost(rig: Rig) -> None:
    wholes = {blake3(content(kind, twin)).hexdigest() for kind in KINDS for twin in TWINS}
    for folder in rig.settings.folders:
        for path in sorted(folder.path.rglob("*.mp4")):
            digest = blake3(path.read_bytes()).hexdigest()
            if digest in wholes:
                _taken_care_of(rig, path, digest)


def _taken_care_of(rig: Rig, path: Path, digest: str) -> None:
    row = rig.row(path)
    if row is None:
        raise BrokenPromiseError(f"lost: {path.name} has no row")
    if row.state is State.DUPLICATE:
        row = _original(rig, row)
    why = f"lost: {path.name} (row {row.id}) is {row.state} {row.reason} {row.detail}"
    if row.id in rig.allowed.linked:
        return  # it is what a person said it is
    if row.video_no is not None:
        if row.state not in (State.PARSED, State.FAILED, State.SKIPPED):
            raise BrokenPromiseError(why)
        taken = [one.content for one in rig.far.rows if one.number == row.video_no]
        if taken != [digest]:
            raise BrokenPromiseError(
                f"lost: {path.name} (row {row.id}) is linked to another clip's video"
            )
        return
    if not _may_stay(rig, row, digest):
        raise BrokenPromiseError(why)


def _original(rig: Rig, row: Item) -> Item:
    for _ in range(100):
        if row.state is not State.DUPLICATE or row.duplicate_of is None:
            return row
        found = rig.journal.item(row.duplicate_of)
        assert found is not None
        row = found
    raise BrokenPromiseError(f"lost: row {row.id} is a duplicate in a circle")


def _may_stay(rig: Rig, row: Item, digest: str) -> bool:
    """Tell whether a file may rest without a video: only with a reason that the history shows."""
    variant = rig.variant
    events = Counter(step.event for step in rig.journal.history(row.id))
    fates = {one.fate.name for one in rig.far.received}
    match row.state, row.reason:
        case State.HELD, Reason.UNCONFIRMED:
            evident = variant.evident and variant.resend and row.attempts < variant.max_attempts
            told = evident and _names_were_known(rig, row)
            # of two that a person had paid for, a lost one looks like the other
            told = told and not rig.allowed.payments[row.scope or "", digest]
            may = not told and events["upload.unknown"] + events["journal.restored"] > 0
        case State.HELD, Reason.OTHER_SCOPE:
            may = variant.scopes > 1
        case State.HELD, Reason.SURGE | Reason.FIRST_LOOK:
            may = variant.guard is not None
        case State.SKIPPED, _:
            may = events["file.skipped"] + events["journal.restored"] > 0
        case State.FAILED, Reason.REFUSED if variant.poison:
            may = digest in rig.poisoned  # no innocent file is blamed
        case State.FAILED, Reason.REFUSED:
            may = "too large" in fates or events["upload.refused"] > 2
        case State.FAILED, Reason.ATTEMPTS_EXHAUSTED:
            may = row.attempts >= variant.max_attempts
        case _:
            may = False
    return may


def _names_were_known(rig: Rig, row: Item) -> bool:
    """Tell whether an accepted upload had shown, before a row was held, that names are shown."""
    last = "SELECT max(id) FROM history WHERE item_id = ? AND to_state = 'held'"
    known = f"SELECT 1 FROM history WHERE event = 'upload.accepted' AND id < ({last})"
    return bool(rig.journal._db.rows(known, (row.id,)))


def _linked_right(rig: Rig, rows: list[Item]) -> None:
    numbers = [row.video_no for row in rows if row.video_no is not None]
    if len(numbers) != len(set(numbers)):
        raise BrokenPromiseError("one video belongs to two rows")
    content_of = {row.number: row.content for row in rig.far.rows}
    for row in rows:
        if row.video_no is None or row.stat is None or row.id in rig.allowed.linked:
            continue
        real = rig.written.get((row.stat.inode, row.stat.mtime_ns, row.stat.size))
        if real is not None and content_of.get(row.video_no) != real:
            raise BrokenPromiseError(f"row {row.id} ({row.path}) is linked to another clip's video")
        if row.content_hash is not None and content_of.get(row.video_no) != row.content_hash:
            raise BrokenPromiseError(
                f"row {row.id} ({row.path}) says another content than its video's"
            )


def _counted_right(rig: Rig, rows: list[Item]) -> None:
    for row in rows:
        count, before = 0, set[int]()
        for step in rig.journal.history(row.id):
            if (
                step.from_state in (State.GONE, State.REJECTED)
                and step.to_state is not step.from_state
            ):
                before.add(count)  # another file at its path has attempts of its own
            refused = step.event == "upload.refused" and step.to_state is State.FAILED
            if step.event in COUNTED or refused:
                count += 1
            elif step.event == "confirm.limited":
                count -= 1
            elif step.event == "file.queued" and step.from_state is State.FAILED:
                count = 0  # a person said: try again
            elif step.event == "journal.restored":
                count = int(step.to_state is State.CONFIRMING)
            elif step.event == "file.approved":
                doubtful = "may have arrived" in (step.detail or "")
                count = int(doubtful)  # it is looked for first, as before any second attempt
        if row.attempts not in {count, *(count - one for one in before)}:
            raise BrokenPromiseError(
                f"row {row.id} counts {row.attempts} attempts, its history {count}"
            )


def _tally(rig: Rig, rows: list[Item]) -> Tally:
    tally = Tally(len(rows), len(rig.far.received), crashes=rig.crashes)
    for row in rows:
        tally.held += row.state is State.HELD and row.reason is Reason.UNCONFIRMED
        for step in rig.journal.history(row.id):
            tally.lost += step.event == "upload.unknown"
            tally.found += step.event == "upload.found"
            tally.resent += step.event in ("confirm.not_found", "confirm.limited")
    return tally
