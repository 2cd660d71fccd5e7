"""One line for a trouble that repeats, with a count (architecture, choice 12).

A move of a file is always told. What is left out is not lost: the next such line, or the last one
once the trouble has been quiet for as long, carries `repeated`, the number that was left out.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: A trouble is told once within this time, seconds.
INTERVAL_S: Final = 600.0
#: So many troubles are told apart; beyond it the oldest is forgotten, and told again sooner.
MOST: Final = 500
#: Troubles that are told every time: each answers something that a person did.
EVERY_TIME: Final = frozenset({"config.refused", "pass.ended", "trouble.begun", "trouble.over"})
#: Said below the level of warnings when it repeats.
QUIET: Final = frozenset({"clock.stepped", "gate.closed"})
#: What a line is about; other values may differ in what is the same trouble.
_ABOUT: Final = ("gate", "folder", "root", "path", "id", "lane", "turn", "message", "wish", "kind")
#: Ends a trouble: when it comes again, that is news.
_ENDINGS: Final = (".opened", ".ok")
_TOLD: Final = "ingestd_repeats_told"

_Key = tuple[object, ...]


@dataclass(slots=True)
class _Seen:
    since: float  # monotonic
    left_out: int = 0
    last: logging.LogRecord | None = None


class Repeats(logging.Filter):
    """A handler's filter; `again` hands it a record that was held back."""

    def __init__(
        self,
        again: Callable[[logging.LogRecord], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._again, self._clock = again, clock
        self._seen: dict[_Key, _Seen] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written now."""
        if record.__dict__.get(_TOLD):
            return True
        now = self._clock()
        self._tell_old(now, everything=_event(record) == "daemon.stopped")
        self._forget_ended(record)
        key = _key(record)
        if key is None:
            return True
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = _Seen(now)
            return True
        seen.left_out, seen.last = seen.left_out + 1, record
        return False

    def _tell_old(self, now: float, *, everything: bool) -> None:
        """Tell the last of each trouble whose interval is over, with the number of all of them."""
        over = [
            key for key, seen in self._seen.items() if everything or now - seen.since >= INTERVAL_S
        ]
        over += list(self._seen)[: max(0, len(self._seen) - MOST)]
        for key in dict.fromkeys(over):
            seen = self._seen.pop(key)
            if seen.last is not None:
                # it may go on: told now, and again after another interval
                self._seen[key] = _Seen(now)
                self._again(_counted(seen.last, seen.left_out))

    def _forget_ended(self, record: logging.LogRecord) -> None:
        if not _event(record).endswith(_ENDINGS):
            return
        about = _about(record)
        for key in [key for key in self._seen if about and set(about) <= set(key[1:])]:
            seen = self._seen.pop(key)
            if seen.last is not None:
                self._again(_counted(seen.last, seen.left_out))


def _event(record: logging.LogRecord) -> str:
    return str(record.msg.get("event")) if isinstance(record.msg, dict) else ""


def _about(record: logging.LogRecord) -> _Key:
    if not isinstance(record.msg, dict):
        return ()
    values = record.msg
    return tuple((name, str(values[name])) for name in _ABOUT if values.get(name) is not None)


def _key(record: logging.LogRecord) -> _Key | None:
    """What is the same trouble; None: told every time."""
    if not isinstance(record.msg, dict):  # a library's words, before their values are filled in
        return (record.name, str(record.msg)) if record.levelno >= logging.WARNING else None
    event = _event(record)
    if "to" in record.msg or event in EVERY_TIME:
        return None
    if record.levelno < logging.WARNING and event not in QUIET:
        return None
    return (event, *_about(record))


def _counted(record: logging.LogRecord, left_out: int) -> logging.LogRecord:
    """Mark a record as told, and with how many it stands for."""
    told = logging.makeLogRecord({**record.__dict__, _TOLD: True})
    if isinstance(told.msg, dict):
        told.msg = {**told.msg, "repeated": left_out}
    else:
        told.msg, told.args = f"{told.getMessage()} (repeated {left_out} times)", ()
    return told
