"""How things stand in one line, for `systemctl status`; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Characters of a file's name that are shown.
NAME = 60


@dataclass(frozen=True, slots=True)
class Going:
    """One upload under way."""

    name: str
    sent: int
    size: int
    awaiting: bool  # sent whole, the answer is awaited


@dataclass(frozen=True, slots=True)
class Standing:
    """What the line is made of."""

    uploads: tuple[Going, ...]
    counts: Mapping[State, int]
    settling: int
    gates: tuple[str, ...]  # what each closed gate means, in a sentence
    folders: tuple[tuple[str, str], ...]  # those that are not in order: name and state
    config_refused: bool = False


def status_line(standing: Standing) -> str:
    """Say what is going on, what waits, and what needs a person."""
    parts = [_doing(standing), *_waiting(standing)]
    needs = list(_needs(standing))
    if needs:
        parts.append(f"needs you: {', '.join(needs)}")
    return "; ".join(parts)


def _doing(standing: Standing) -> str:
    if standing.uploads:
        first, more = standing.uploads[0], len(standing.uploads) - 1
        return f"Uploading {_shown(first)}" + (f" and {more} more" if more else "")
    if standing.gates:
        return f"Waiting: {standing.gates[0].rstrip('.')}"
    counts = standing.counts
    if counts[State.QUEUED]:
        return "Uploading"
    if counts[State.CONFIRMING]:
        return "Asking memories.ai for an upload whose answer was lost"
    if counts[State.INDEXING]:
        return "Following the indexing"
    return "Idle"


def _shown(going: Going) -> str:
    name = going.name if len(going.name) <= NAME else f"{going.name[: NAME - 3]}..."
    if going.awaiting:
        return f"{name} (sent, waiting for the answer)"
    return f"{name} ({100 * going.sent // max(going.size, 1)} %)"


def _waiting(standing: Standing) -> Iterator[str]:
    counts = standing.counts
    numbers = (
        (counts[State.QUEUED], "in line"),
        (counts[State.CONFIRMING], "being looked for"),
        (counts[State.INDEXING], "being indexed"),
        (standing.settling, "settling"),
        (counts[State.PARSED], "searchable"),
    )
    said = [f"{number} {what}" for number, what in numbers if number]
    if said:
        yield ", ".join(said)


def _needs(standing: Standing) -> Iterator[str]:
    if standing.config_refused:
        yield "the changed configuration is refused"
    for name, state in standing.folders:
        yield f"folder {name} is {state}"
    for state in (State.HELD, State.FAILED):
        if standing.counts[state]:
            yield f"{standing.counts[state]} {state.value}"
