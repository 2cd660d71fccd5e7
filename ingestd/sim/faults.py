"""The fault switches: what can be made to go wrong, for which requests, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Literal

from ingestd.sim.fault_kinds import OUTCOME, SPECS, FaultKind, Spec
from ingestd.sim.routes import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY_ENDPOINT: Final = "any"
STATUS_MIN: Final = 200
STATUS_MAX: Final = 599


class BodyForm(StrEnum):
    """What the body of a fault's answer looks like."""

    ENVELOPE = "envelope"
    SPRING = "spring"
    HTML = "html"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One switch. Values left at None are those of its kind.

    Attributes:
        kind: What goes wrong.
        endpoint: Whose requests: an endpoint's name or "any"; None = the one the kind is made for.
        times: How many requests are hit; None = all until cleared.
        skip: How many matching requests pass first.
        name: Glob on the received file name; such a fault is taken when the name has arrived.
        accepted: Whether the request takes effect before the answer goes wrong.
        status: HTTP status.
        code: Envelope code.
        msg: Envelope text.
        body: Form of the answer's body.
        retry_after: Seconds to put into a Retry-After header.
        retry_after_date: Write them as an HTTP date.
        after_bytes: Where in the body it happens; negative counts from the end. In a shorter
            body it happens at the end.
        seconds: How long, by the stand-in's clock.
        then: What follows an early answer.
        reset: End connections with a reset instead of a plain close.
        location: Target of a redirect.
        size: Bytes of a large answer.
        rows: Rows made for one upload.
    """

    kind: FaultKind
    endpoint: str | None = None
    times: int | None = 1
    skip: int = 0
    name: str | None = None
    accepted: bool | None = None
    status: int | None = None
    code: str | None = None
    msg: str | None = None
    body: BodyForm | None = None
    retry_after: float | None = None
    retry_after_date: bool = False
    after_bytes: int = 0
    seconds: float = 5.0
    then: Literal["read_on", "stop", "close"] = "close"
    reset: bool = False
    location: str = "/serve/api/v1/moved"
    size: int = 64 * 1024 * 1024
    rows: int = 2

    def __post_init__(self) -> None:
        if self.endpoint not in {None, ANY_ENDPOINT, *(e.value for e in Endpoint)}:
            raise ValueError(f"endpoint: {self.endpoint!r} is none of the far side's endpoints")
        if self.status is not None and not STATUS_MIN <= self.status <= STATUS_MAX:
            raise ValueError(f"status: {self.status} is no final HTTP status")

    @property
    def spec(self) -> Spec:
        """The defaults of its kind."""
        return SPECS[self.kind]

    @property
    def group(self) -> str:
        """Faults of one group exclude each other within a request."""
        return self.spec.group or self.kind.value

    @property
    def takes_effect(self) -> bool:
        """Whether the request is carried out although its answer goes wrong."""
        return self.spec.accepted if self.accepted is None else self.accepted

    def concerns(self, endpoint: Endpoint) -> bool:
        """Whether it is meant for requests to `endpoint`."""
        wanted = self.endpoint or self.spec.endpoint
        return wanted in {ANY_ENDPOINT, endpoint.value}

    def position(self, length: int | None) -> int:
        """The byte of a body of `length` at which it happens; -n counts from the end.

        A body of unknown length has no end to count from; then it happens at the start.
        """
        if self.after_bytes >= 0:
            return self.after_bytes
        return max(0, (length or 0) + self.after_bytes)


class Active:
    """The faults that one request has drawn, at most one of each group."""

    def __init__(self) -> None:
        self._by_group: dict[str, Fault] = {}

    def add(self, fault: Fault) -> None:
        """Take a fault for this request."""
        self._by_group[fault.group] = fault

    def has_group(self, group: str) -> bool:
        """Whether this group is taken; further faults of it wait for a later request."""
        return group in self._by_group

    def get(self, kind: FaultKind) -> Fault | None:
        """The fault of this kind, if one was drawn."""
        return next((f for f in self._by_group.values() if f.kind is kind), None)

    @property
    def outcome(self) -> Fault | None:
        """The fault that replaces the answer or ends the connection."""
        return self._by_group.get(OUTCOME)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._by_group.values())


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None
    skip: int
    hits: int = field(default=0)


class FaultBook:
    """All armed faults in the order in which they were set."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault behind those that are there."""
        self._armed.append(_Armed(fault, fault.times, fault.skip))

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()

    def draw(self, endpoint: Endpoint, active: Active, file_name: str | None = None) -> None:
        """Add to `active` what this request has to suffer.

        Without `file_name` only faults without a name glob are looked at, with it only those with
        one: a request is asked about twice. Faults of one group take turns: the first armed one
        hits until it is used up, and a request that it hits does not count for the others.
        """
        for armed in self._armed:
            fault = armed.fault
            if armed.left == 0 or not fault.concerns(endpoint) or active.has_group(fault.group):
                continue
            if not _name_matches(fault.name, file_name):
                continue
            if armed.skip > 0:
                armed.skip -= 1
                continue
            armed.left = None if armed.left is None else armed.left - 1
            armed.hits += 1
            active.add(fault)

    def describe(self) -> list[dict[str, Any]]:
        """Every fault that was set since the last clearing, with what is left of it."""
        return [
            {
                "kind": a.fault.kind.value,
                "endpoint": a.fault.endpoint or a.fault.spec.endpoint,
                "name": a.fault.name,
                "left": a.left,
                "skip": a.skip,
                "hits": a.hits,
            }
            for a in self._armed
        ]


def _name_matches(glob: str | None, file_name: str | None) -> bool:
    if glob is None or file_name is None:
        return glob is None and file_name is None
    return fnmatchcase(file_name, glob)
