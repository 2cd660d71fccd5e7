"""Faults that break a rule, each planted alone: the invariants of a soak must notice every one.

A fault names the rule that it breaks, the seeds' themes in which it can show, and the patch. Where
a rule guards a rare thing, `change` makes the world one in which that thing is not rare.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest import mock

from ingestd import evidence
from ingestd.daemon import recovery
from ingestd.daemon.asking import confirming as looking_for
from ingestd.daemon.asking import jobs, lane
from ingestd.daemon.intake import content
from ingestd.daemon.sending import flights, marks, preflight
from ingestd.journal import connection
from ingestd.lifecycle import confirming, events, sending
from ingestd.remote import body, verdict
from ingestd.remote.contract import Refusal, Refused, Trouble
from soak import rig
from soak.fault import Fault, method, rule
from soak.planted_people import PEOPLE
from soak.schedule import run
from soak.variant import variant_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def _cells(**changes: tuple[verdict._Means, verdict._Means]) -> Any:
    """Cells of the table of outcomes (rules R1)."""
    table = dict(verdict._TABLE)
    for said, means in changes.items():
        table[verdict.Said[said]] = means
    return mock.patch.object(verdict, "_TABLE", table)


_NOT_SENT, _REFUSED = verdict._Means.NOT_SENT, verdict._Means.REFUSED


def _no_mark(self: body.Body, content_hash: str = "") -> None:
    """The last bytes go out without a question."""
    del content_hash
    self.heed_stop()


def _mark_in_memory(self: marks.Marks, send: Any, content_hash: str) -> bool:
    del self, send, content_hash
    return True


def _by_name(stored: str | None, sought: evidence.Sought) -> bool:
    return stored is not None and stored.split("~")[0] == sought.stem.split("~")[0]


def _sample_is_proof(self: content.Contents, item: Any) -> None:
    for row in self._originals(item):
        self._ctx.apply(item, events.SameContent(row.id, row.content_hash or ""))
        return
    self._clear(item)


def _token_per_attempt(path: str, fingerprint: str, *, token: bool) -> str:
    del fingerprint
    return _real_name(path, secrets.token_hex(16), token=token)


_real_name = preflight.upload_name


def _by_wall_clock(self: lane.Stretches, item_id: int, mono: float) -> float:
    """Time passes whether or not anybody answers, and as the wall clock says."""
    del mono
    now = rig.current().now().wall
    before = self._answered.get(item_id)
    self._answered[item_id] = now
    return 0.0 if before is None else max(now - before, 0.0)


def _gate_burns(item: Any, event: Any, now: float, policy: Any, spread: float) -> Any:
    decision = sending.gate_refused(item, event, now, policy, spread)
    burnt = replace(decision.item, attempts=item.attempts + 1)
    return replace(decision, item=burnt)


def _failed_look_counts(self: looking_for.Confirming, message: Any) -> None:
    _real_looked(self, message._replace(trouble=None))


_real_looked = looking_for.Confirming._record


def _filter_only(far: Any, scope: Any, watermark: float | None) -> list[Any]:
    del far, scope, watermark
    return []


def _first_page(far: Any, scope: Any, watermark: float | None) -> Any:
    del watermark
    page = far.list_videos(scope, page=1, size=jobs.PAGE)
    return page if isinstance(page, jobs.Failed) else list(page.videos)


def _without_watermark(send: Any) -> evidence.Sought:
    return replace(_real_sought(send), since=1.0)


_real_sought = looking_for._sought


def _not_synced(self: connection.Database) -> None:
    _real_prepare(self)
    self.rows("PRAGMA synchronous = NORMAL")


_real_prepare = connection.Database.prepare_writing


def _mark_forgotten(ctx: Any, item: Any, unsent: Any, why: str) -> None:
    del why
    send = ctx.journal.last_send(item.id)
    with ctx.journal.transaction():
        if send is not None:
            ctx.journal.end_send(send.id, ctx.now.wall, "not_sent")
        ctx.apply(item, unsent)


def _look_where_settings_point(self: looking_for.Confirming, item: Any, send: Any) -> None:
    first = rig.current().settings.folders[0]
    _real_look(self, item, replace(send, scope=f"unique_id={first.fields.unique_id}"))


_real_look = looking_for.Confirming._look


def _changed_unseen(self: body.Body, *args: Any) -> None:
    del self, args


def _held_is_sent(item: Any, event: Any, now: float, policy: Any, spread: float) -> Any:
    return confirming.not_found(item, event._replace(proven=True), now, policy, spread)


def _one_look(item: Any, event: Any, now: float, policy: Any, spread: float) -> Any:
    tired = replace(item, asks=99, asked_s=1e6)
    return confirming.not_found(tired, event, now, policy, spread)


def _dropped(self: flights.Flights, message: Any) -> None:
    """What a slow answer says is not listened to any more."""
    flight = self._flights.get(message.item_id)
    if flight is not None and self._ctx.now.mono - flight.began > 10:
        trouble = Trouble(Refusal.RATE, "too late")
        message = message._replace(outcome=Refused(trouble))
    _real_ended(self, message)


_real_ended = flights.Flights.ended


#: Listed after the last look, before the next attempt: only the preflight finds such a row.
_JUST_TOO_LATE: dict[str, object] = {
    "late": (0.0,),
    "late_lost": (38.0,),
    "readable_late": 38.0,
    "clock": False,
    "only": "0001",
    "luck": 0.2,
}


#: What people say of single files: where it would hide a fault, they say nothing.
BUSY = ("approve", "skip", "link", "pay_again", "add")


class _EveryScope:
    """A list of scopes that have all been seen."""

    def __contains__(self, scope: object) -> bool:
        return True


FAULTS: dict[str, Fault] = {
    "mark skipped": Fault(
        "the last bytes go out although nothing durable says so",
        "R1",
        lambda: [method(body.Body, "_ask_for_mark", _no_mark)],
    ),
    "mark in memory": Fault(
        "the mark is granted and not written",
        "R1",
        lambda: [method(marks.Marks, "_record", _mark_in_memory)],
        ("crashes", "hashed", "nameless"),
    ),
    "mark ignored by recovery": Fault(
        "what a crash cut off counts as not sent, mark or not",
        "R1",
        lambda: [mock.patch.object(recovery, "settle", _mark_forgotten)],
        ("crashes", "hashed", "nameless", "late"),
        {"crashes": True, "young": False},
    ),
    "not synced": Fault(
        "a commit is not on disk when it returns",
        "R8",
        lambda: [method(connection.Database, "prepare_writing", _not_synced)],
        ("crashes", "hashed", "nameless"),
        {"crashes": True, "young": False},
    ),
    "sent again after 502": Fault(
        "a server error after the last byte counts as not accepted",
        "R1",
        lambda: [_cells(SERVER_ERROR=(_NOT_SENT, _NOT_SENT))],
        ("losses", "hashed", "nameless", "late"),
        {"only": "502", "luck": 0.3},
    ),
    "0001 is a refusal": Fault(
        "the far side's catch-all after the last byte counts as not accepted",
        "R1",
        lambda: [_cells(PARAMETER=(_REFUSED, _REFUSED))],
        ("losses", "hashed", "nameless", "late"),
        {"only": "0001", "luck": 0.3},
    ),
    "0000 without an id": Fault(
        "success that names no video counts as not accepted",
        "R1",
        lambda: [_cells(SUCCESS=(_NOT_SENT, _NOT_SENT))],
        ("losses", "hashed", "nameless", "late"),
        {"only": "0000 without an id", "luck": 0.3},
    ),
    "half an answer": Fault(
        "an answer that cannot be read counts as not accepted",
        "R1",
        lambda: [_cells(OTHER=(_NOT_SENT, _NOT_SENT))],
        ("losses", "hashed", "nameless", "late"),
        {"only": "truncated JSON", "luck": 0.3},
    ),
    "silence is a no": Fault(
        "no answer at all counts as not accepted",
        "R1",
        lambda: [_cells(NOTHING=(_NOT_SENT, _NOT_SENT))],
        ("losses", "hashed", "nameless", "late"),
    ),
    "late answer dropped": Fault(
        "an answer that comes late is taken for a refusal",
        "R1",
        lambda: [method(flights.Flights, "ended", _dropped)],
        ("losses", "hashed", "nameless", "late"),
    ),
    "adopted by name": Fault(
        "a name without our token is proof",
        "R2",
        lambda: [mock.patch.object(evidence, "shows", _by_name)],
        ("foreign",),
    ),
    "token per attempt": Fault(
        "each attempt goes out under another token",
        "R2",
        lambda: [mock.patch.object(preflight, "upload_name", _token_per_attempt)],
        ("losses",),
        _JUST_TOO_LATE,
    ),
    "wall clock": Fault(
        "outages and steps of the clock spend the time of confirming",
        "R2",
        lambda: [
            method(lane.Stretches, "spent", _by_wall_clock),
            method(lane.Stretches, "broke", _changed_unseen),
        ],
        ("late",),
        {
            "late_lost": (450.0,),
            "only": "502",
            "luck": 0.1,
            "deeds": 30,
            "often": ("clock", "put"),
            "never": BUSY,
        },
    ),
    "failed look counts": Fault(
        "a look whose question was not answered says that nothing is there",
        "R2",
        lambda: [method(looking_for.Confirming, "_record", _failed_look_counts)],
        ("losses", "hashed"),
        {"unheard": 0.9, "luck": 0.3, "young": False},
    ),
    "one look": Fault(
        "one look without a hit proves absence",
        "R2",
        lambda: [rule(events.NotFound, _one_look)],
        ("late", "hashed"),
        {"late": (20.0,)},
    ),
    "filter proves absence": Fault(
        "what the name filter does not find is not there",
        "R2",
        lambda: [mock.patch.object(jobs, "_walk", _filter_only)],
        ("hashed", "nameless"),
    ),
    "first page proves absence": Fault(
        "what the first page does not show is not there",
        "R2",
        lambda: [mock.patch.object(jobs, "_walk", _first_page)],
        ("hashed", "nameless", "foreign"),
        {"page": 1, "luck": 0.3, "often": ("put",)},
    ),
    "watermark ignored": Fault(
        "a video from before the attempt may be what it brought",
        "R2",
        lambda: [mock.patch.object(looking_for, "_sought", _without_watermark)],
        ("hashed",),
        {"foreign": True, "luck": 0.1, "only": "0001", "deeds": 8, "never": BUSY},
    ),
    "doubt is a no": Fault(
        "what might have arrived is sent again instead of held",
        "R2",
        lambda: [rule(events.NotFound, _held_is_sent)],
        ("hashed", "nameless"),
    ),
    "no preflight": Fault(
        "a second attempt goes out without a look for the first",
        "R1",
        lambda: [method(preflight.Preflights, "_looks_first", lambda *_: False)],
        ("losses",),
        _JUST_TOO_LATE,
    ),
    "scope of now": Fault(
        "a lost upload is looked for where the settings point now",
        "R2",
        lambda: [
            method(looking_for.Confirming, "_look", _look_where_settings_point),
            mock.patch.object(looking_for, "scopes_seen", return_value=_EveryScope()),
        ],
        ("scopes",),
        {"names": False, "luck": 0.3, "often": ("reload", "put"), "per_minute": None},
    ),
    "sample is proof": Fault(
        "files of equal size, head, middle and tail are taken for the same",
        "R4",
        lambda: [method(content.Contents, "_weigh", _sample_is_proof)],
        ("twins",),
    ),
    "two in flight": Fault(
        "two rows with one content are under way together",
        "R4",
        lambda: [
            method(content.Contents, "_suspect", _changed_unseen),
            method(marks.Marks, "_twin", lambda *_: None),
        ],
    ),
    "duplicate is a dead end": Fault(
        "a duplicate whose original ended without a video is never sent",
        "R4",
        lambda: [method(content.Contents, "_hand_over", _changed_unseen)],
        ("few",),
        {"luck": 0.1, "often": ("copy",)},
    ),
    "changed while sent": Fault(
        "what is sent is not compared with what was judged",
        "R1",
        lambda: [
            method(body.Body, "_check_end", _changed_unseen),
            method(body.Body, "check_stat", _changed_unseen),
        ],
        change={"nested": 0.8},
    ),
    "gate burns attempts": Fault(
        "a trouble of the account costs the file an attempt",
        "R7",
        lambda: [rule(events.GateRefused, _gate_burns)],
    ),
    **PEOPLE,
}


@dataclass(frozen=True, slots=True)
class Noticed:
    """How a fault was noticed."""

    seed: int | None  # None: it was not
    said: str
    after: int  # schedules


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Break one rule."""
    with ExitStack() as stack:
        for patch in FAULTS[name].patches():
            stack.enter_context(patch)
        yield


def hunt(name: str, most: int) -> Noticed:
    """Run schedules until one notices the fault, and is quiet without it."""
    fault, tried = FAULTS[name], 0
    for seed in (seed for seed in count() if variant_of(seed).theme in fault.themes):
        if tried == most:
            break
        tried += 1
        with planted(name):
            said = _broken(seed, fault)
        if said and not _broken(seed, fault):
            return Noticed(seed, said, tried)
    return Noticed(None, "", tried)


def _broken(seed: int, fault: Fault) -> str:
    """What a schedule says is broken; "" where all is well."""
    try:
        run(seed, change=fault.change)
    except AssertionError as error:
        return " ".join(str(error).split())[:200] or "?"
    return ""


def report(names: list[str], most: int) -> int:
    """Hunt for many; say how each was noticed. How many were not."""
    missed = runs = 0
    for name in names:
        fault, noticed = FAULTS[name], hunt(name, most)
        runs += noticed.after
        if noticed.seed is None:
            missed += 1
            print(f"NOT NOTICED by {noticed.after} schedules: {name}: {fault.breaks}", flush=True)
            continue
        where = f"schedule {noticed.after} (seed {noticed.seed})"
        print(f"{name} ({fault.rule}): noticed by {where}: {noticed.said}", flush=True)
    print(f"{len(names) - missed} of {len(names)} faults noticed by {runs} schedules")
    return missed
