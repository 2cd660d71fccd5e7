"""A journal that is lost, or put back from an older copy, and `recover`; the mirror is there."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING
from unittest import mock

from ingestd.cli.recover import PLACE, STRANGERS, _place
from ingestd.journal import Journal, JournalReader
from ingestd.mirror import MIRROR_NAME
from ingestd.model import GateName
from ingestd.reconcile import evidence as proofs
from ingestd.reconcile.library import LibraryError, scopes_in_use, walk
from ingestd.reconcile.rebuild import rebuild

if TYPE_CHECKING:
    import random

    from soak.deeds import Deeds
    from soak.rig import Rig

JOURNAL = "journal.db*"


class Restoring:
    """The deeds; part of `Deeds`."""

    def __init__(self, rig: Rig, chance: random.Random, deeds: Deeds) -> None:
        """Take the part."""
        self.rig, self.chance, self._deeds = rig, chance, deeds
        self._copy: dict[str, bytes] = {}  # a backup of the journal
        self._lost = False

    def back_up(self) -> None:
        """Somebody copies the journal."""
        self._copy = {one.name: one.read_bytes() for one in self.rig.state_dir.glob(JOURNAL)}

    def lose_journal(self) -> None:
        """The journal is gone, or an older copy stands in its place; then a new start."""
        self._deeds.room()
        self.rig.end()
        for one in self.rig.state_dir.glob(JOURNAL):
            one.unlink()
        back = self._copy if self.chance.random() < 0.5 else {}
        self.rig.tell("  the journal is lost", put_back=sorted(back))
        for name, data in back.items():
            (self.rig.state_dir / name).write_bytes(data)
        self._lost = True
        if self.chance.random() < 0.5:
            self._rebuild()  # before anything runs
        self.rig.start()

    def recover(self) -> None:
        """A person stops it, says `recover`, and starts it again."""
        self._deeds.room()
        self.rig.end()
        self._rebuild()
        self.rig.start()

    def make_good(self) -> None:
        """What was lost is recovered in the end."""
        if self._lost:
            self.recover()

    def _sleep(self, seconds: float) -> None:
        self.rig.elapsed += seconds

    def _rebuild(self) -> None:
        rig, evidence = self.rig, proofs.Evidence()
        rig.new_journal()
        mirror = rig.state_dir / MIRROR_NAME
        if not mirror.exists():
            return  # nothing was ever sent
        try:
            with closing(JournalReader.open(rig.state_dir)) as known:
                proofs.read_mirror(evidence, mirror, known)
                scopes = scopes_in_use(rig.settings, sorted({*evidence.scopes, *known.scopes()}))
                with mock.patch.object(proofs, "walk", partial(walk, sleep=self._sleep)):
                    proofs.read_library(evidence, rig.far, scopes, known, known.account)
        except LibraryError as error:
            rig.tell("  not recovered", error=str(error))
            return  # nothing was changed
        with closing(Journal.create_or_open(rig.state_dir, fstype=None)) as journal:
            count = rebuild(journal, evidence, rig.now().wall)
            with journal.transaction():
                journal.set_meta(PLACE, _place(evidence))
                journal.set_meta(STRANGERS, [])
                journal.remove_gate(GateName.JOURNAL)
        rig.tell("  recovered", count=count)
        self._lost = False
