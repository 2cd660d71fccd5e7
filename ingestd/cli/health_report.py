"""How the service is, in a word, a sentence and a code; gathered within a second.

A loop that hangs must not hang this: the daemon's pulse is told by another thread of it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ingestd import control
from ingestd.alarms import WAITING, Alarm, Place, alarms
from ingestd.cli import live, servicewords, words
from ingestd.cli.snapshot import Snapshot, read_snapshot
from ingestd.cli.status_facts import closed_gates
from ingestd.errors import Exit, JournalError
from ingestd.journal import JournalReader, Tally
from ingestd.model import State

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.journal import Usage
    from ingestd.model import Gate, Reason

#: How long the daemon's two answers may take, seconds; all of it fits into one.
_PULSE_WAIT: Final = 0.25
_SNAPSHOT_WAIT: Final = 0.3
#: A loop that has not moved for longer is stuck, seconds.
STUCK_S: Final = 60.0
#: A process that has no socket yet may be checking a large journal for so long, seconds.
STARTING_S: Final = 300.0
_OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Life:
    """Whether the daemon lives; `trouble` is a sentence when it does not, or is stuck."""

    running: bool
    pid: int | None = None
    since: float | None = None
    stuck_for: float | None = None  # seconds; None: it did not say
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """What `health` says; times are seconds since the epoch."""

    now: float
    life: Life
    snapshot: Snapshot | None  # None: not running, or the loop was too busy to say
    tallies: tuple[Tally, ...] = ()
    gates: tuple[Gate, ...] = ()
    usage: tuple[Usage, ...] = ()
    alarms: tuple[Alarm, ...] = field(default=())

    @property
    def code(self) -> Exit:
        """The exit code (interface 3)."""
        if self.life.trouble:
            return Exit.ALREADY_RUNNING  # 3: for `health`, not running or stuck
        return Exit.PROBLEMS if self.alarms else Exit.DONE

    @property
    def status(self) -> str:
        """A stable word for the code."""
        return {Exit.DONE: "ok", Exit.PROBLEMS: "attention"}.get(self.code, "down")

    @property
    def text(self) -> str:
        """One sentence for a person."""
        if self.life.trouble:
            return self.life.trouble
        if self.alarms:
            return "; ".join(words.printable(one.text).rstrip(".") for one in self.alarms) + "."
        since = f" since {words.moment(self.life.since, self.now)}" if self.life.since else ""
        files = words.count(self.files(State.QUEUED), "file")
        shut = ", ".join(gate.name.value for gate in self.gates)
        rest = f"uploads wait ({shut}): see ingestd status" if shut else "nothing needs you"
        return f"Running{since}, {files} in line, {rest}."

    def files(self, state: State) -> int:
        """How many rows are in a state."""
        return sum(tally.files for tally in self.tallies if tally.state is state)


def examine(state_dir: Path) -> Health:
    """Look at daemon and journal.

    Raises:
        JournalError: a daemon runs, but its journal cannot be read; or nobody can tell, because
            the state directory is not this user's.
    """
    now = time.time()
    life = _life(state_dir, now)
    if life.trouble:
        return Health(now, life, None)
    told = live.ask(state_dir, {"ask": "snapshot"}, _SNAPSHOT_WAIT)
    snapshot = None if told is None else read_snapshot(told)
    with JournalReader.open(state_dir) as reader:
        tallies, gates = reader.tallies(), closed_gates(reader, snapshot)
        usage = reader.usage("")
    found = alarms(now, gates, _places(snapshot), counted(tallies))
    return Health(now, life, snapshot, tallies, gates, usage, found)


def journal_only(state_dir: Path, health: Health) -> Health:
    """Add what the journal knows while no daemon runs; nothing where it cannot be read."""
    with JournalReader.open(state_dir) as reader:
        return Health(
            health.now, health.life, None, reader.tallies(), reader.gates(), reader.usage("")
        )


def counted(tallies: tuple[Tally, ...]) -> dict[tuple[State, Reason | None], int]:
    """Add the folders up, of the states that may need a person."""
    sums: dict[tuple[State, Reason | None], int] = {}
    for tally in tallies:
        if tally.state in WAITING:
            key = (tally.state, tally.reason)
            sums[key] = sums.get(key, 0) + tally.files
    return sums


def _places(snapshot: Snapshot | None) -> list[Place]:
    folders = snapshot.folders if snapshot else ()
    return [
        Place(one.name, one.state, one.detail or "", one.since)
        for one in folders
        if one.state not in (None, _OK)
    ]


def _life(state_dir: Path, now: float) -> Life:
    pulse = live.ask(state_dir, {"ask": "pulse"}, _PULSE_WAIT)
    if pulse is None:
        return _silent(state_dir, now)
    told = read_snapshot(pulse)  # the same care with what it says
    stuck = pulse.get("stuck_for")
    seconds = float(stuck) if isinstance(stuck, int | float) else 0.0
    hangs, worker = "", pulse.get("stuck_worker")
    if seconds > STUCK_S:
        hangs = f"process {told.pid} has not moved for {words.duration(seconds)}."
    elif isinstance(worker, str) and worker:
        hangs = words.printable(worker)
    remedy = f"Nothing is lost. Restart it: {servicewords.restart(state_dir, told.pid)}"
    trouble = f"Stuck: {hangs} {remedy}" if hangs else ""
    return Life(running=True, pid=told.pid, since=told.since, stuck_for=seconds, trouble=trouble)


def _may_look(state_dir: Path) -> bool:
    """Tell whether this user could know of a daemon at all."""
    lock = state_dir / control.LOCK_NAME
    try:
        lock.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return os.access(lock, os.R_OK, effective_ids=True)


def _silent(state_dir: Path, now: float) -> Life:
    """Nobody answered: is there nobody, or one who is starting, or one who cannot?"""
    holder = live.held_by(state_dir)
    if holder is None and not _may_look(state_dir):
        raise JournalError(
            f"{words.printable(str(state_dir))} is not this user's to look into: run this as root, "
            "as the user that ingestd runs as, or as a member of its group."
        )
    if holder is None:
        place = words.printable(str(state_dir))
        text = (
            f"Not running: no ingestd holds {place}. Nothing is uploaded meanwhile, and nothing is "
            f"lost. Start it: {servicewords.start(state_dir)}"
        )
        return Life(running=False, trouble=text)
    who = f"process {holder.pid}" if holder.pid else "a process"
    age = now - holder.since if holder.since else 0.0
    if not (state_dir / control.SOCKET_NAME).exists() and 0 <= age < STARTING_S:
        text = f"Starting: {who} has not opened its journal yet, after {words.duration(age)}."
    else:
        text = (
            f"Stuck: {who} holds {words.printable(str(state_dir))} and does not answer. Nothing is "
            f"lost. Restart it: {servicewords.restart(state_dir, holder.pid)}"
        )
    return Life(running=True, pid=holder.pid, since=holder.since, trouble=text)
