"""The closed gates: kept in the journal, closed by troubles, opened by time or success."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd import gates
from ingestd.journal import JournalBusyError, ReadOnlyJournalError
from ingestd.model import Gate, GateName
from ingestd.remote.contract import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.context import Context
    from ingestd.errors import JournalError
    from ingestd.remote.contract import Trouble

#: Which trouble concerns the account, and so closes which gate.
GATE_OF: dict[Refusal, GateName] = {
    Refusal.RATE: GateName.RATE_LIMIT,
    Refusal.CREDITS: GateName.CREDITS,
    Refusal.AUTH: GateName.AUTH,
    Refusal.DISABLED: GateName.DISABLED,
    Refusal.UNREACHABLE: GateName.UNREACHABLE,
}

#: Meta key: which API key was in use last, as a hash from which it cannot be told.
KEY_DIGEST = "key_digest"
#: Meta key: when it came into use, wall clock.
KEY_SINCE = "key_since"

#: What a person reads in `status`: what it means and what to do.
WORDS: dict[GateName, str] = {
    GateName.RATE_LIMIT: (
        "memories.ai says: too many uploads. Nothing is lost; they go on by themselves."
    ),
    GateName.CREDITS: (
        "Credits used up. Nothing is lost. Buy credits at memories.ai, then: ingestd resume"
    ),
    GateName.AUTH: "The API key was refused. Nothing is lost.",
    GateName.DISABLED: (
        "The account is disabled. Nothing is lost. Ask memories.ai, then: ingestd resume"
    ),
    GateName.UNREACHABLE: "memories.ai cannot be reached. Nothing is lost; it is tried again.",
    GateName.PAUSED: "Paused by hand. Go on with: ingestd resume",
}

_NOTHING_LOST = "Nothing is lost; nothing is sent that could not be recorded."
_NO_ROOM = (
    "No room is left where uploads are recorded ({}). "
    f"{_NOTHING_LOST} Make room there; it goes on by itself."
)
#: Why else the journal takes nothing, in the same gate: what is sent cannot be recorded.
_NOT_WRITTEN: dict[type[JournalError], str] = {
    JournalBusyError: (
        f"Another program keeps the journal locked (a backup, a database tool). {_NOTHING_LOST} "
        "It goes on by itself when that program lets go."
    ),
    ReadOnlyJournalError: (
        "The journal cannot be written (its permissions, or its disk is read-only now). "
        f"{_NOTHING_LOST} What is wrong: sudo ingestd check"
    ),
}


#: A disk that is full again within it was full all the time, seconds.
STILL_S = 1200.0


@dataclass(frozen=True, slots=True)
class Resumed:
    """What `resume` left closed."""

    trying: tuple[GateName, ...]  # one upload tries these first
    left: tuple[Gate, ...]  # these stay as they are
    told: tuple[str, ...] = ()  # what the words that were said did


class Gatekeeper:
    """Knows which gates are closed and what that means for the next upload."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._gates: dict[GateName, Gate] = {gate.name: gate for gate in ctx.journal.gates()}
        self.probing: frozenset[GateName] = frozenset()
        #: What to do about a gate, where its sentence alone does not say it.
        self.remedies: dict[GateName, str] = {}
        self._was_full: Gate | None = None  # time opened it, and nothing was written since
        #: What a word of a person (an option of `resume`) does beside opening its gate; says so.
        self.words: dict[str, Callable[[], str]] = {}
        self.has_room: Callable[[], bool] = lambda: True  # on the disks of journal and mirror

    @property
    def closed(self) -> tuple[Gate, ...]:
        """The closed gates."""
        return tuple(self._gates.values())

    def gate(self, name: GateName) -> Gate | None:
        """Give a gate as it stands closed; None: it is open."""
        return self._gates.get(name)

    def is_closed(self, name: GateName) -> bool:
        """Tell whether one gate is closed."""
        return name in self._gates

    @property
    def unheard(self) -> bool:
        """Tell whether not even questions are answered, because the key is refused."""
        gate = self._gates.get(GateName.AUTH)
        return gate is not None and gate.closed_by is None

    def closed_until(self, name: GateName) -> float | None:
        """When a closed gate opens by itself, wall clock; None: open, or a person opens it."""
        gate = self._gates.get(name)
        return None if gate is None else gate.until

    def standing(self) -> gates.Standing:
        """Weigh the gates now; those that open by time alone are opened."""
        standing = gates.standing(self.closed, self._ctx.now.wall, self.probing)
        for name in standing.expired:
            if name is GateName.DISK_FULL and not self.has_room():
                self.disk_full("the disk of the journal or of the mirror")
                continue
            full = self._gates.get(GateName.DISK_FULL) if name is GateName.DISK_FULL else None
            self.open(name)
            self._was_full = full or self._was_full
        if standing.expired:
            return gates.standing(self.closed, self._ctx.now.wall, self.probing)
        return standing

    def trouble(
        self, trouble: Trouble, *, item_id: int | None = None, at_least: float = 0.0
    ) -> GateName | None:
        """Close the gate that a trouble of the account stands for; None: it is not the account's.

        Args:
            trouble: what the far side said.
            item_id: the row whose upload met it.
            at_least: floor of the delay, seconds.
        """
        name = GATE_OF.get(trouble.kind)
        if name is None:
            return None
        remedy = self.remedies.get(name, "")
        text = f"{WORDS[name]} {remedy}".rstrip()
        said = f" (it said: {trouble.text})" if trouble.text else ""
        gate = gates.close(
            self._gates.get(name),
            name,
            self._ctx.now.wall,
            text + said,
            closed_by=item_id,
            wait=trouble.retry_after,
            at_least=at_least,
        )
        if remedy:  # the screen has little room
            gate = replace(gate, data={**gate.data, gates.REMEDY: remedy})
        self._save(gate)
        return name

    def hold(
        self,
        name: GateName,
        until: float | None = None,
        *,
        detail: str | None = None,
        asks: str | None = None,
        data: Mapping[str, object] | None = None,
        afresh: bool = False,
    ) -> None:
        """Close a gate until a time, or until a person opens it; one that is closed so stays so.

        Args:
            name: which one.
            until: when it opens by itself; None: never.
            detail: what happened and what to do; None: the usual sentence.
            asks: the option of `resume` that alone opens it before (see `gates.hold`).
            data: what its desk wants to find again beside it.
            afresh: it is closed since now, for an upload went through it.
        """
        old, text = self._gates.get(name), detail or WORDS[name]
        wall = self._ctx.now.wall
        since = None if afresh else old
        gate = gates.hold(since, name, wall, text, until, asks=asks, data=data)
        if gate != old:
            self._save(gate, quiet=old is not None and old.detail == text)

    def not_recorded(self, why: JournalError) -> None:
        """Nothing can be written down: a full disk, a lock of another program, permissions."""
        words = _NOT_WRITTEN.get(type(why))
        self._unwritten(words or _NO_ROOM.format(self._ctx.settings.state_dir), str(why))

    def disk_full(self, detail: str) -> None:
        """There is too little room; `detail` names the disk."""
        self._unwritten(_NO_ROOM.format(detail), f"no room is left: {detail}")

    def _unwritten(self, text: str, detail: str) -> None:
        """Close the gate; in memory only, for it cannot be written."""
        name = GateName.DISK_FULL
        old = self._gates.get(name) or self._still_full()
        if old is not None and (old.until or 0.0) > self._ctx.now.wall:
            self._gates[name] = replace(old, detail=text)  # known, and said
            return
        self._gates[name] = gates.close(old, name, self._ctx.now.wall, text)
        self._ctx.log.error("gate.closed", gate=name.value, detail=detail)

    def _still_full(self) -> Gate | None:
        """The gate that time opened a moment ago: nothing could be written meanwhile."""
        full = self._was_full
        recent = full is not None and self._ctx.now.wall - (full.until or 0.0) < STILL_S
        return full if recent else None

    def open(self, name: GateName) -> None:
        """Open a gate, if it is closed."""
        if name is GateName.DISK_FULL:
            self._was_full = None
        if self._gates.pop(name, None) is None:
            return
        self.probing -= {name}
        self._ctx.journal.remove_gate(name)
        self._ctx.log.info("gate.opened", gate=name.value)

    def answered(self) -> None:
        """The far side answered a question: it can be reached, and knows the key."""
        self._ctx.last_answer_at = self._ctx.now.wall
        for name in (GateName.UNREACHABLE, GateName.AUTH):
            gate = self._gates.get(name)
            if gate is not None and gate.closed_by is None and gates.asked(gate) is None:
                self.open(name)  # what an upload closed, only an upload opens

    def accepted(self) -> None:
        """An upload was accepted: what the far side refused for before is over."""
        self._ctx.last_answer_at = self._ctx.now.wall
        for gate in self.closed:
            if gate.name in GATE_OF.values() and gates.asked(gate) is None:
                self.open(gate.name)

    def resume(self, said: frozenset[str] = frozenset()) -> Resumed:
        """A person says go on: a pause ends, every other gate lets one probe through now.

        Not those that no probe can tell anything about, nor those that ask for another word than
        those `said` (the options of `resume`).
        """
        told = tuple(self.words[word]() for word in sorted(said & self.words.keys()))
        self.open(GateName.PAUSED)
        trying: list[GateName] = []
        for gate in self.closed:
            word = gates.asked(gate)
            if word is not None and word in said:
                self.open(gate.name)
            elif word is None and gate.name not in gates.BY_CALENDAR:
                trying.append(gate.name)
                self.probe(gate.name)
        left = tuple(gate for gate in self.closed if gate.name not in trying)
        return Resumed(tuple(trying), left, told)

    def probe(self, name: GateName) -> None:
        """Let one upload try a closed gate now."""
        gate = self._gates.get(name)
        if gate is not None and (gate.until is None or gate.until > self._ctx.now.wall):
            self._save(gates.probe_now(gate, self._ctx.now.wall), quiet=True)

    def key_is(self, digest: str) -> None:
        """Note which key is in use; a new one lets the gate that refused the old one try again."""
        before = self._ctx.journal.meta(KEY_DIGEST)
        if before == digest:
            return
        self._ctx.journal.set_meta(KEY_DIGEST, digest)
        self._ctx.journal.set_meta(KEY_SINCE, self._ctx.now.wall)
        gate = self._gates.get(GateName.AUTH)
        if before is not None and gate is not None and gates.asked(gate) is None:
            self.probe(GateName.AUTH)

    @property
    def key_since(self) -> float | None:
        """When the key that is in use was used first, wall clock; None: by an older release."""
        since = self._ctx.journal.meta(KEY_SINCE)
        return float(since) if isinstance(since, int | float) else None

    def set_back(self, seconds: float) -> None:
        """The wall clock was set back by so much, or before the start by nobody knows how much."""
        for gate in self.closed:
            back = max(seconds, gate.since - self._ctx.now.wall)
            if back > 0 and gate.name in gates.BY_CALENDAR:
                self.open(gate.name)  # its desk looks at the calendar again
            elif back > 0:
                until = None if gate.until is None else gate.until - back
                self._save(replace(gate, since=gate.since - back, until=until), quiet=True)

    def set_forward(self, seconds: float) -> None:
        """A clock that was never set is right now: gates have not been closed since 1970."""
        for gate in self.closed:
            self._save(replace(gate, since=gate.since + seconds), quiet=True)

    def _save(self, gate: Gate, *, quiet: bool = False) -> None:
        before = self._gates.get(gate.name)
        self._gates[gate.name] = gate
        self._ctx.journal.save_gate(gate)
        if quiet:
            return
        tell = self._ctx.log.info if before else self._ctx.log.warning
        wait = None if gate.until is None else round(gate.until - self._ctx.now.wall, 1)
        tell("gate.closed", gate=gate.name.value, detail=gate.detail, tries_again_in_s=wait)
