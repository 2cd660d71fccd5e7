"""Journals that are lost, put back and recovered, and keys that change, for tests of facts."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from fake_farside import refused
from ingestd.cli.recover import _rebuild
from ingestd.config import ApiKey
from ingestd.filestat import FdSource
from ingestd.fingerprint import sampled
from ingestd.journal import JournalReader, damage_of
from ingestd.model import GateName, State
from ingestd.naming import stem_of, upload_name
from ingestd.reconcile.evidence import Evidence, read_library, read_mirror
from ingestd.reconcile.library import scopes_in_use

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

READABLE = refused("1")
ROTATED = ApiKey("sk-mavi-rotated", "a test")
THEIRS = ApiKey("sk-mavi-theirs", "a test")


def paid(world: World, *names: str) -> None:
    paths = [world.put(name) for name in names]
    world.until(lambda: {world.state(path) for path in paths} == {State.PARSED})


def stored_as(path: Path) -> str:
    """The name under which the far side would store a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return stem_of(upload_name(str(path), sampled(FdSource(descriptor)), token=True))
    finally:
        os.close(descriptor)


def copied(world: World) -> Path:
    world.journal._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = world.place / "kept.db"
    shutil.copy(world.state_dir / "journal.db", kept)
    return kept


def lose(world: World, older: Path | None = None) -> None:
    """Stop; the journal is lost, or an older copy of it is put back."""
    world._stop()
    world._check_histories = lambda: None  # those of restored rows begin in the middle
    for one in world.state_dir.glob("journal.db*"):
        one.unlink()
    if older is not None:
        shutil.copy(older, world.state_dir / "journal.db")


def recover(world: World) -> None:
    """As the command does it, with what the next start is told of the mirror; then that start."""
    evidence = Evidence()
    known = None if damage_of(world.state_dir) is None else JournalReader.open(world.state_dir)
    read_mirror(evidence, world.state_dir / "paid.log", known)
    scopes = scopes_in_use(world.settings, evidence.scopes)
    read_library(evidence, world.far, scopes, known, known.account if known else 1)
    if known is not None:
        known.close()
    _rebuild(world.settings, evidence)
    world._start()


def other_account(world: World) -> None:
    """The key is another account's now, and that is meant."""
    world.far.library = []
    world.daemon.reconfigure(world.settings, ROTATED)
    world.until(lambda: world.gate(GateName.AUTH))
    world.wish("resume", new_account=True)
