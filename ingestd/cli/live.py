"""Asking a daemon that runs, and telling one that is busy from one that is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd import control
from ingestd.cli.snapshot import Snapshot, read_snapshot

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Daemon:
    """Whether a daemon runs, and what it tells."""

    running: bool
    pid: int | None = None
    since: float | None = None
    snapshot: Snapshot | None = None  # None: not running, starting, or too busy to answer


def look(state_dir: Path) -> Daemon:
    """Look for a daemon and ask it how things stand."""
    told = ask(state_dir, {"ask": "snapshot"})
    if told is not None:
        snapshot = read_snapshot(told)
        return Daemon(running=True, pid=snapshot.pid, since=snapshot.since, snapshot=snapshot)
    holder = held_by(state_dir)
    if holder is None:
        return Daemon(running=False)
    return Daemon(running=True, pid=holder.pid, since=holder.since)


def ask(state_dir: Path, question: dict[str, object], wait: float = 0.8) -> control.Ask | None:
    """Ask the daemon; None: there is none, or it did not answer in time."""
    try:
        told = control.ask(state_dir, question, wait)
    except OSError:  # the state directory is not there, or not ours to enter
        return None
    return None if told is None or "error" in told else told  # an error: the loop is busy


def held_by(state_dir: Path) -> control.Holder | None:
    """Tell which process holds the state directory."""
    return control.holder(state_dir)
