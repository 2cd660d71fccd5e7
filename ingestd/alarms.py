"""What needs a person (interface 3, `health`): one definition for `health`, metrics and on_trouble.

Pure: the facts and the time come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.model import GateName, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ingestd.model import Gate, Reason

#: A gate that is closed for no longer than this opens by itself, as a rule; seconds.
PATIENCE_S = 900.0
#: Closed as the owner's timetable says: nobody is needed.
AS_PLANNED = frozenset({GateName.BANDWIDTH_WINDOW})
#: States of files that wait for a person, or ended without a searchable video.
WAITING = (State.HELD, State.FAILED)

_MEANINGS = {
    State.HELD: "wait for a person",
    State.FAILED: "did not become searchable",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A watched folder whose root is not in order."""

    name: str
    state: str  # missing, foreign, hung or unreadable
    detail: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind of trouble that a person must see to."""

    kind: str  # stable: gate.NAME, folder, held or failed
    about: Mapping[str, int]  # what it is about and how many: folders, or reasons and their files
    text: str  # what happened and what to do, in one or two sentences
    since: float | None = None  # wall clock; None: not known

    def is_worse_than(self, before: Mapping[str, int]) -> bool:
        """Tell whether something is new beside what was known."""
        return any(number > before.get(what, 0) for what, number in self.about.items())


def alarms(
    now: float,
    gates: Iterable[Gate],
    places: Iterable[Place],
    files: Mapping[tuple[State, Reason | None], int],
) -> tuple[Alarm, ...]:
    """Everything that needs a person now.

    Args:
        now: wall-clock time.
        gates: the closed gates.
        places: the folders that are not in order.
        files: how many rows there are of a state and a reason; other states do not matter.
    """
    return (*_of_gates(now, gates), *_of_places(tuple(places)), *_of_files(files))


def _of_gates(now: float, gates: Iterable[Gate]) -> Iterator[Alarm]:
    for gate in sorted(gates, key=lambda one: one.since):
        if gate.name not in AS_PLANNED and now - gate.since > PATIENCE_S:
            name = gate.name.value
            text = gate.detail or f"Gate {name} is closed: uploads pause."
            yield Alarm(f"gate.{name}", {name: 1}, text, gate.since)


def _of_places(places: tuple[Place, ...]) -> Iterator[Alarm]:
    if not places:
        return
    said = " ".join(_place(one) for one in places)
    known = [one.since for one in places if one.since is not None]
    yield Alarm("folder", {one.name: 1 for one in places}, said, min(known, default=None))


def _place(place: Place) -> str:
    detail = f": {place.detail.rstrip('.')}" if place.detail else ""
    return f"Folder {place.name} is {place.state}{detail}."


def _of_files(files: Mapping[tuple[State, Reason | None], int]) -> Iterator[Alarm]:
    for state in WAITING:
        reasons = {
            reason.value if reason else "": number
            for (of, reason), number in files.items()
            if of is state and number
        }
        if reasons:
            yield Alarm(state.value, reasons, _counted(state, reasons))


def _counted(state: State, reasons: Mapping[str, int]) -> str:
    total = sum(reasons.values())
    parts = sorted(reasons.items(), key=lambda one: -one[1])
    told = ", ".join(f"{number} {reason}" if reason else str(number) for reason, number in parts)
    files = "file" if total == 1 else "files"
    meaning = _MEANINGS[state] if total != 1 else _MEANINGS[state].replace("wait ", "waits ")
    return f"{total} {files} {meaning} ({told}). Look: ingestd list --state {state.value}"
