"""From facts to what `status` says; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ingestd.cli import words
from ingestd.cli.snapshot import LiveFolder, Snapshot
from ingestd.cli.status_values import (
    OK,
    Facts,
    FolderReport,
    Group,
    Place,
    Queue,
    Report,
    Spent,
)
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.journal import Tally


def make_report(facts: Facts) -> Report:
    """Make the report of the facts."""
    live = facts.live or Snapshot()
    api = live.api if facts.live or facts.last is None else facts.last.api
    folders = tuple(_folders(facts, live))
    counts = _counts(facts.tallies)
    return Report(
        version=live.version or facts.version,
        now=facts.now,
        config=live.config if facts.live else facts.config,
        refused=live.refused,
        state_dir=facts.state_dir,
        under=facts.under,
        unseen=facts.unseen,
        running=facts.running,
        answering=facts.live is not None,
        pid=live.pid or facts.pid,
        since=live.since or facts.since,
        base_url=live.api.base_url or facts.base_url,
        key_id=api.key_id,
        key_source=api.key_source,
        key_since=api.key_since,
        last_ok_at=api.last_ok_at,
        counts=counts,
        gates=tuple(sorted(facts.gates, key=lambda gate: gate.since)),
        queue=_queue(facts.tallies, live),
        folders=folders,
        uploads=tuple(one for one in live.uploads if _is_under(one.path, facts.under)),
        problems=_problems(facts),
        settling=_settling(facts, live, folders),
        spent=_spent(facts),
        per_minute=facts.per_minute,
        price_per_minute=facts.budget.price_per_1000_min / 1000,
        currency=facts.budget.currency,
        start=facts.start,
        needs_you=tuple(dict.fromkeys(_needs(folders, live))),
    )


def _settling(facts: Facts, live: Snapshot, folders: Iterable[FolderReport]) -> int:
    """How many files the daemon has seen and does not know to be complete."""
    if facts.under is None:
        return live.settling
    return sum(folder.live.settling for folder in folders if not folder.part)


def _is_under(path: str | None, under: str | None) -> bool:
    if under is None:
        return True
    return path is not None and (path == under or path.startswith(under.rstrip("/") + "/"))


def _counts(tallies: Iterable[Tally]) -> dict[State, int]:
    counts = dict.fromkeys(State, 0)
    for tally in tallies:
        counts[tally.state] += tally.files
    return counts


def _folders(facts: Facts, live: Snapshot) -> Iterable[FolderReport]:
    """The configured folders in their order, then what else the journal has rows of."""
    seen = {folder.name: folder for folder in live.folders}
    tallied = {tally.folder for tally in facts.tallies}
    names = [place.name for place in facts.places]
    for place in facts.places:
        told = seen.get(place.name) or _last(facts, place)
        yield _folder(facts, place.name, told, configured=True)
    running_only = [name for name in seen if name not in names and facts.under is None]
    for name in running_only:
        yield _folder(facts, name, seen[name], configured=True)
    others = tallied - set(names) - set(running_only)
    known = facts.config is not None
    for other in sorted(others, key=lambda one: (one is None, one or "")):
        nothing_wrong = LiveFolder(other or "", state=OK)  # nobody looks at it
        yield _folder(facts, other, nothing_wrong, configured=not known)


def _last(facts: Facts, place: Place) -> LiveFolder:
    """A folder as it was known last, at the place where it is configured to be."""
    known = facts.last.folders if facts.last else ()
    for one in known:
        if (one.name, one.path) == (place.name, place.path):
            mode, filesystem = place.mode or one.mode, place.filesystem or one.filesystem
            return replace(one, mode=mode, filesystem=filesystem, settling=0)
    return LiveFolder(
        place.name, place.path, place.mode, place.filesystem, place.state, detail=place.detail
    )


def _folder(facts: Facts, name: str | None, told: LiveFolder, *, configured: bool) -> FolderReport:
    mine = [tally for tally in facts.tallies if tally.folder == name]
    held = _groups(tally for tally in mine if tally.state is State.HELD)
    part = facts.under is not None and not _is_under(told.path, facts.under)
    return FolderReport(
        name, configured, told, part, _counts(mine), held, facts.after.get(name or "")
    )


def _groups(tallies: Iterable[Tally]) -> tuple[Group, ...]:
    sums: dict[tuple[State, Reason | None], Group] = {}
    for tally in tallies:
        key = (tally.state, tally.reason)
        old = sums.get(key) or Group(tally.state, tally.reason, 0, 0, 0.0)
        sums[key] = Group(
            tally.state,
            tally.reason,
            old.files + tally.files,
            old.bytes + tally.bytes,
            old.seconds + tally.seconds,
        )
    groups = [group for group in sums.values() if group.files]
    return tuple(sorted(groups, key=lambda group: -group.files))


def _problems(facts: Facts) -> tuple[Group, ...]:
    """Rejected first, then failed, each by number: the order of the drawn screen."""
    groups = _groups(
        tally for tally in facts.tallies if tally.state in (State.REJECTED, State.FAILED)
    )
    ordered = sorted(groups, key=lambda group: group.state is State.FAILED)
    return tuple(
        Group(one.state, one.reason, one.files, one.bytes, one.seconds, facts.refused_codecs)
        if one.reason is Reason.CODEC
        else one
        for one in ordered
    )


def _queue(tallies: Iterable[Tally], live: Snapshot) -> Queue:
    queued = [tally for tally in tallies if tally.state is State.QUEUED]
    return Queue(
        files=sum(tally.files for tally in queued),
        bytes=sum(tally.bytes for tally in queued),
        minutes=sum(tally.seconds for tally in queued) / 60,
        eta=live.eta,
        waiting_for=live.waiting_for,
    )


def _spent(facts: Facts) -> Spent:
    today = words.day(facts.now)
    now = [usage for usage in facts.usage if usage.day == today]
    return Spent(
        uploads_today=sum(usage.uploads for usage in now),
        minutes_today=sum(usage.seconds for usage in now) / 60,
        minutes_month=sum(usage.seconds for usage in facts.usage if usage.day[:7] == today[:7])
        / 60,
        limit_today=facts.budget.minutes_per_day,
        limit_month=facts.budget.minutes_per_month,
    )


def _needs(folders: Iterable[FolderReport], live: Snapshot) -> Iterable[str]:
    """What a person has to look at, in the words of the screen's second line."""
    if live.refused:
        yield "the changed configuration is refused"
    for folder in folders:
        name = words.printable(folder.name or "a file added by hand")
        if folder.troubled:
            yield f"folder {name} is {folder.live.state}"
        for group in folder.held:
            if group.reason is Reason.UNCONFIRMED:
                yield f"{words.count(group.files, 'upload')} of {name} got no answer"
            else:
                yield f"{name} waits for approval"
