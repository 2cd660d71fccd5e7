"""What a running daemon knows that the journal does not, for `status` and `show`."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd import __version__
from ingestd.daemon.after.places import LIES_THERE, moved_below
from ingestd.model import State
from ingestd.watch.names import Ignored, Refused
from ingestd.watch.writers import sight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestd.config import ApiKey
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.folders import Watched
    from ingestd.daemon.intake.seeing import Seeing
    from ingestd.daemon.sending.flights import Flight, Flights
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.daemon.sending.uploads import Uploads
    from ingestd.model import Gate
    from ingestd.settle import SettleTracker
    from ingestd.watch.names import Verdict


@dataclass(frozen=True, slots=True)
class Refusal:
    """A changed configuration that a reload refused; the old one is in force."""

    at: float  # wall clock
    detail: str


class Snapshots:
    """Answers what commands ask of the running daemon."""

    def __init__(
        self,
        ctx: Context,
        seeing: Seeing,
        tracker: SettleTracker,
        flights: Flights,
        uploads: Uploads,
        keeper: Gatekeeper,
        config: Path | None,
    ) -> None:
        self._ctx, self._seeing, self._tracker = ctx, seeing, tracker
        self._flights, self._uploads, self._config = flights, uploads, config
        self._keeper = keeper
        self.since = ctx.now.wall
        self.key: ApiKey | None = None
        self.refusal: Refusal | None = None

    def take(self) -> dict[str, object]:
        """Everything at once."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "since": self.since,
            "config": str(self._config) if self._config else None,
            "config_refused": self._refused(),
            "settling": len(self._tracker),
            **self.lasting(),
            "uploads": [self._upload(flight) for flight in self._flights.under_way],
            "gates": [self._gate(gate) for gate in self._keeper.closed],
            "queue": {"eta": self._eta(), "waiting_for": self._uploads.waiting_for or None},
        }

    def lasting(self) -> dict[str, object]:
        """What is of interest also when the daemon has ended."""
        return {
            "api": {
                "base_url": self._ctx.settings.api.base_url,
                "key_id": self.key.key_id if self.key else None,
                "key_source": self.key.source if self.key else None,
                "key_since": self._keeper.key_since,
                "last_ok_at": self._ctx.last_answer_at,
            },
            "folders": [self._folder(watched) for watched in self._seeing.watched.values()],
        }

    def _refused(self) -> dict[str, object] | None:
        return {"at": self.refusal.at, "detail": self.refusal.detail} if self.refusal else None

    def _folder(self, watched: Watched) -> dict[str, object]:
        parts = self._seeing.parts_of(watched.name)
        ignored = Counter(watched.ignored_by)
        for part in parts:
            ignored.update(part.ignored_by)
        return {
            "name": watched.name,
            "path": watched.root,
            "mode": watched.mode,
            "filesystem": watched.fstype or None,
            "state": watched.state,
            "last_scan_at": watched.last_scan_at,
            "settling": self._tracker.count(watched.name),
            "settle_s": watched.folder.settle,
            "quiet_s": self._seeing.sights.quieting.of(watched.folder),
            "writers": sight(watched.fstype).value,
            "ignored_by": dict(ignored),
            "detail": _detail(watched) or next(filter(None, map(_part_detail, parts)), None),
            "since": watched.since,
        }

    @staticmethod
    def _gate(gate: Gate) -> dict[str, object]:
        return {
            "name": gate.name.value,
            "since": gate.since,
            "until": gate.until,
            "detail": gate.detail,
        }

    def _upload(self, flight: Flight) -> dict[str, object]:
        progress = flight.progress
        return {
            "id": flight.item.id,
            "path": flight.item.path,
            "sent": progress.sent,
            "size": flight.send.size,
            "bytes_per_second": round(progress.bytes_per_second),
            "phase": progress.phase,
            "since": self._ctx.now.wall - progress.phase_s,
        }

    def _eta(self) -> float | None:
        """When the last queued file goes out at the configured pace; None: it is not the limit."""
        per_minute = self._ctx.settings.upload.per_minute
        files = self._ctx.journal.counts()[State.QUEUED]
        if not files or per_minute is None or self._uploads.waiting_for == "gate":
            return None
        return self._flights.limiter.next_start() + (files - 1) * 60.0 / per_minute

    def explain(self, path: str) -> Mapping[str, object]:
        """Say what is known of a path without a row."""
        settling = self._tracker.explain(path, self._ctx.now.mono)
        if settling is not None:
            return {"state": "settling", "detail": settling.detail}
        if (place := moved_below(self._ctx.settings, path)) is not None:
            return {"state": "ignored", "detail": LIES_THERE.format(place)}
        watched = self._seeing.folder_of(path)
        if watched is None:
            return {"state": "unwatched", "detail": "It lies in no watched folder."}
        if not watched.in_order:
            said = f"Folder {watched.name} is {watched.state}: {watched.detail}"
            return {"state": "unknown", "detail": said, "away": True}
        return _by_name(watched.verdict(path))


def _by_name(verdict: Verdict) -> Mapping[str, object]:
    """What the name alone says."""
    if isinstance(verdict, Ignored):
        return {"state": "ignored", "detail": f"Not taken: {verdict.rule}."}
    if isinstance(verdict, Refused):
        return {"state": "unknown", "detail": f"{verdict.extension} is not taken; not seen yet."}
    return {"state": "unknown", "detail": "It was not seen yet; the next scan looks for it."}


def _detail(watched: Watched) -> str:
    return watched.detail or watched.hint_detail or watched.arming.doubt


def _part_detail(part: Watched) -> str:
    """What is wrong with a disk that is mounted inside a folder."""
    state = "" if part.in_order else f" is {part.state}"
    return f"{part.root}{state}: {detail}" if (detail := _detail(part)) else ""
