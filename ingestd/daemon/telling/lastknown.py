"""What `status` says of folders and far side while no daemon runs: as it was known last.

A folder that stands as before costs no write, however often it is scanned: its times alone are
written down at the stop. What a kill takes along is how late the last scan was.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ingestd.control import LAST_KNOWN
from ingestd.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.folders import Watched

#: What each scan and each answer changes although nothing has happened, by part.
_FLEETING = ("last_scan_at", "last_ok_at", "settling")


class LastKnown:
    """Notes in the journal how things stand, when that is news."""

    def __init__(
        self,
        ctx: Context,
        folders: Callable[[], Mapping[str, Watched]],
        known: Callable[[], dict[str, Any]],
    ) -> None:
        """`known` tells what is to be noted; it is asked when a folder was scanned or changed."""
        self._ctx, self._folders, self._known = ctx, folders, known
        self._looked_at: object = None
        self._noted: object = None

    def tick(self) -> None:
        """Note it where a scan has brought something new."""
        standing = [(one.last_scan_at, one.state) for one in self._folders().values()]
        if standing == self._looked_at:
            return
        self._looked_at = standing
        known = self._whole()
        lasting = _lasting(known)
        if lasting != self._noted:
            self._ctx.journal.set_meta(LAST_KNOWN, known)
            self._noted = lasting

    def stop(self) -> None:
        """Note it with its times."""
        with suppress(JournalError):  # nothing depends on it
            known = self._whole()
            if known != self._ctx.journal.meta(LAST_KNOWN):
                self._ctx.journal.set_meta(LAST_KNOWN, known)

    def _whole(self) -> dict[str, Any]:
        """What is known now; of what this run has not looked at yet, what the last one knew."""
        known, before = self._known(), self._ctx.journal.meta(LAST_KNOWN)
        kept = before if isinstance(before, dict) else {}
        if known["api"]["last_ok_at"] is None:
            known["api"]["last_ok_at"] = kept.get("api", {}).get("last_ok_at")
        looked_at = {one.name for one in self._folders().values() if _is_known(one)}
        earlier = {one["name"]: one for one in kept.get("folders", ())}
        known["folders"] = [
            one if one["name"] in looked_at else earlier[one["name"]]
            for one in known["folders"]
            if one["name"] in looked_at or one["name"] in earlier
        ]
        return known


def _is_known(watched: Watched) -> bool:
    return watched.last_scan_at is not None or not watched.in_order


def _lasting(known: object) -> object:
    if isinstance(known, dict):
        return {key: _lasting(one) for key, one in known.items() if key not in _FLEETING}
    if isinstance(known, list):
        return [_lasting(one) for one in known]
    return known
