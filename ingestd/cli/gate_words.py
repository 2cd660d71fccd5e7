"""The account's and the daemon's troubles in people's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.gates import REMEDY
from ingestd.model import GateName

if TYPE_CHECKING:
    from ingestd.model import Gate

_TITLES: Final = {
    GateName.RATE_LIMIT: "Too many uploads a minute for this account",
    GateName.INDEXING_CAP: "The indexing queue of this account is full",
    GateName.CREDITS: "Credits used up",
    GateName.AUTH: "The key is not accepted",
    GateName.DISABLED: "The account is disabled",
    GateName.UNREACHABLE: "memories.ai cannot be reached",
    GateName.BUDGET: "The budget is used up",
    GateName.PAUSED: "Paused",
    GateName.BANDWIDTH_WINDOW: "No bandwidth at this time of day",
    GateName.DISK_FULL: "Nothing can be recorded",
    GateName.JOURNAL: "The journal may not know all that was paid",
}
#: What to do; for the other gates the daemon's own sentence says it better.
_REMEDIES: Final = {
    GateName.RATE_LIMIT: "Nothing is lost, it goes on by itself.",
    GateName.INDEXING_CAP: "Nothing is lost; goes on as videos are through.",
    GateName.CREDITS: "Buy credits at memories.ai, then: ingestd resume",
    GateName.DISABLED: "Nothing is lost. Ask memories.ai, then: ingestd resume",
    GateName.UNREACHABLE: "Nothing is lost; goes on by itself when it is back.",
    GateName.PAUSED: "Go on with: ingestd resume",
    GateName.BANDWIDTH_WINDOW: "Nothing is lost.",
}


#: Gates that open at their time without an upload that tries first.
_BY_TIME_ALONE: Final = frozenset({GateName.PAUSED, GateName.BUDGET, GateName.BANDWIDTH_WINDOW})


def gate_sentence(gate: Gate, now: float, *, running: bool = True) -> str:
    """Say since when, what to do, and, of a running daemon, when it goes on by itself."""
    title = _TITLES.get(gate.name, str(gate.name))
    if gate.name is GateName.BUDGET and gate.until is None:
        title = "A clip is longer than the budget"
    told = gate.data.get(REMEDY) or gate.detail
    remedy = _REMEDIES.get(gate.name) or words.printable(str(told))
    text = f"{title} since {words.moment(gate.since, now)}."
    if remedy:
        text += f" {remedy}"
    if gate.until is None or not running:
        return text
    if gate.until <= now:
        return f"{text}   (one upload tries now)"
    verb = "goes on" if gate.name in _BY_TIME_ALONE else "tries"
    return f"{text}   ({verb} by itself at {words.moment(gate.until, now)})"
