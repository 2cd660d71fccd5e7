"""Telling a person of trouble: the command of `on_trouble`, and lines in the log (interface 4).

A kind of trouble is told when it begins and when it gets worse, and once more when it is over; of
one kind at most one message an hour goes out, whatever happens meanwhile. What was told survives a
restart, so that a service that is restarted in circles does not tell in circles.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from ingestd import __version__
from ingestd.alarms import WAITING, Alarm, Place, alarms
from ingestd.daemon.messages import TroubleTold
from ingestd.daemon.telling.callout import call
from ingestd.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.folders import Watched
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Reason, State

#: How often the loop looks whether somebody is needed, seconds.
LOOK_S = 60.0
#: At most one message of a kind within it, seconds.
AT_MOST_S = 3600.0
#: What a pipe takes at once must hold the document, however many folders are away.
MOST_NAMED = 50
LONGEST_TEXT = 4000
LANE = "on_trouble"
#: Meta key: what was told and when.
TOLD = "troubles_told"


@dataclass(slots=True)
class _Told:
    """What a person knows of one kind of trouble."""

    at: float  # wall clock
    about: dict[str, int]
    over: bool = False  # they know that it ended


class Alarming:
    """Looks once a minute, and only where there is a command to run."""

    def __init__(
        self,
        ctx: Context,
        keeper: Gatekeeper,
        folders: Callable[[], Mapping[str, Watched]],
    ) -> None:
        self._ctx, self._keeper, self._folders = ctx, keeper, folders
        self._next = 0.0  # monotonic
        self._told = _read(ctx.journal.meta(TOLD))

    def tick(self) -> float | None:
        """Look and tell; returns when to look again."""
        now = self._ctx.now
        if self._ctx.settings.on_trouble is None or self._ctx.stopping:
            return None
        if now.mono < self._next:
            return self._next
        self._next = now.mono + LOOK_S
        before = {kind: asdict(told) for kind, told in self._told.items()}
        found = {alarm.kind: alarm for alarm in self._look()}
        for alarm in found.values():
            self._weigh(alarm)
        for kind in self._told.keys() - found.keys():
            self._weigh_end(kind)
        after = {kind: asdict(told) for kind, told in self._told.items()}
        if after != before:
            with suppress(JournalError):  # a full disk is a trouble to be told of, too
                self._ctx.journal.set_meta(TOLD, after)
        return self._next

    def told(self, message: TroubleTold) -> None:
        """Note how the command ended."""
        if message.failed:
            self._ctx.log.warning("trouble.untold", kind=message.kind, detail=message.failed)
        elif message.output:
            self._ctx.log.info("trouble.told", kind=message.kind, output=message.output)

    def _look(self) -> tuple[Alarm, ...]:
        files: dict[tuple[State, Reason | None], int] = {}
        for tally in self._ctx.journal.tallies():
            if tally.state in WAITING:
                key = (tally.state, tally.reason)
                files[key] = files.get(key, 0) + tally.files
        places = [
            Place(one.name, one.state, one.detail, one.since)
            for one in self._folders().values()
            if not one.in_order
        ]
        return alarms(self._ctx.now.wall, self._keeper.closed, places, files)

    def _weigh(self, alarm: Alarm) -> None:
        known = self._told.get(alarm.kind)
        if known is None or known.over or alarm.is_worse_than(known.about):
            if self._may_tell(known):
                self._told[alarm.kind] = _Told(self._ctx.now.wall, dict(alarm.about))
                self._ctx.log.warning("trouble.begun", kind=alarm.kind, detail=alarm.text)
                self._call(alarm, over=False)
        else:
            known.about = dict(alarm.about)  # what became less may become more again

    def _weigh_end(self, kind: str) -> None:
        known = self._told[kind]
        if known.over or not self._may_tell(known):
            return
        self._told[kind] = _Told(self._ctx.now.wall, {}, over=True)
        text = f"Over: {kind} needs nobody any more."
        self._ctx.log.info("trouble.over", kind=kind, detail=text)
        self._call(Alarm(kind, known.about, text), over=True)

    def _may_tell(self, known: _Told | None) -> bool:
        """Tell whether the hour is over; a clock that was set back does not make it longer."""
        return known is None or not 0 <= self._ctx.now.wall - known.at < AT_MOST_S

    def _call(self, alarm: Alarm, *, over: bool) -> None:
        command, document = self._ctx.settings.on_trouble, self._document(alarm, over=over)
        assert command is not None  # noqa: S101 - looked at in this turn
        self._ctx.workers.submit(
            LANE,
            lambda: TroubleTold(alarm.kind, *call(command, document)),
            TroubleTold(alarm.kind, "It could not be run."),
        )

    def _document(self, alarm: Alarm, *, over: bool) -> dict[str, Any]:
        """What the command reads (README, "Being told")."""
        return {
            "schema": 1,
            "kind": alarm.kind,
            "over": over,
            "about": dict(islice(alarm.about.items(), MOST_NAMED)),
            "text": alarm.text[:LONGEST_TEXT],
            "since": _iso(alarm.since),
            "at": _iso(self._ctx.now.wall),
            "host": socket.gethostname(),
            "state_dir": str(self._ctx.settings.state_dir),
            "version": __version__,
        }


def _iso(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read(stored: object) -> dict[str, _Told]:
    """Read what an earlier run told; what cannot be read is told again."""
    told: dict[str, _Told] = {}
    for kind, one in stored.items() if isinstance(stored, dict) else ():
        with suppress(KeyError, TypeError, ValueError):
            told[kind] = _Told(float(one["at"]), _numbers(one["about"]), bool(one["over"]))
    return told


def _numbers(stored: Mapping[str, Any]) -> dict[str, int]:
    return {str(what): int(number) for what, number in stored.items()}
