"""What the journal hands out beside the rows of `ingestd.model`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.model import Reason, State


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows a listing or a count is about; an empty set or None does not narrow it.

    Superseded rows (a path that was re-created) are part of it, forgotten ones only on request.
    """

    states: frozenset[State] = frozenset()
    reasons: frozenset[Reason] = frozenset()
    folder: str | None = None
    under: str | None = None  # absolute: a directory and all below it, or one exact path
    since: float | None = None  # changed at or after, seconds since the epoch
    ids: tuple[int, ...] = ()
    limit: int | None = None
    newest: bool = False  # `limit` takes the newest rows; they still come in the order of their ids
    hidden: bool = False  # forgotten rows too


@dataclass(frozen=True, slots=True)
class Totals:
    """What a selection amounts to; `seconds` is playing time, as far as it is known."""

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """How many listed rows share a folder, a state and a reason; kept up to date, never counted."""

    folder: str | None
    state: State
    reason: Reason | None
    files: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Closings:
    """How often one row closed a gate while others passed in between (rules R7)."""

    item_id: int
    times: int
    send_id: int  # the attempt that did it last


@dataclass(frozen=True, slots=True)
class Usage:
    """What was uploaded on one local day."""

    day: str  # YYYY-MM-DD, local
    uploads: int
    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a command asked of the daemon; the daemon writes the result beside it."""

    id: int
    at: float
    verb: str
    args: Mapping[str, object] = field(default_factory=dict)
    done_at: float | None = None
    result: object = None  # whatever JSON can say; None until done


@dataclass(frozen=True, slots=True)
class Found:
    """A video that is ours by its name, found by `recover`, whose file was not seen since."""

    video_no: str
    name: str  # as the far side shows it
    token: str
    size: int | None  # bytes; None: the far side did not say
    scope: str
    account: int
    created_at: float | None
