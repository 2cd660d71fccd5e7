"""What happens in a schedule: people, cameras, disks, networks, and sudden ends."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from blake3 import blake3

from ingestd.config import Budget, Fields
from soak.farside import Fate
from soak.fates import READ_TROUBLES, any_fate
from soak.people import People
from soak.restoring import Restoring
from soak.rig import content

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from ingestd.remote.contract import Trouble
    from soak.rig import Rig
    from soak.variant import Variant

NAMES = tuple(f"{folder}{name}.mp4" for folder in ("", "card/") for name in "abcd")
KINDS = 5
#: Where a crash is waited for; "": anywhere.
STAGES = ("", "", "", "marked", "sent", "taken", "answered", "in commit")
#: Poison that looks like the account's trouble: while nothing else is sent, nothing else is known.
LIFTED = ("0429", "0402")
OFTEN = 12  # more times
HINTED = 0.9  # of what happens: that of which an event tells


class Deeds:
    """Chance picks one after the other."""

    def __init__(self, rig: Rig, variant: Variant, chance: random.Random) -> None:
        self.rig, self.variant, self.chance = rig, variant, chance
        self.away: dict[Path, Path] = {}  # roots that are not there now
        self.kept: list[bytes] = []  # what was deleted and may come back
        rig.meddle, rig.far.next_fate = self.meddle, self.fate
        rig.far.unheard = self.unheard
        people = People(rig, chance, self)
        deeds: list[tuple[Callable[[], object], int]] = [
            (self.put, 7),
            (self.wait, 16),
            (self.delete, 1),
            (self.rename, 2),
            (self.copy, 2),
            (self.half, 1),
            (self.rewrite, 1),
            (self.touch, 1),
            (self.come_back, 1),
            (self.move, 1),
            (self.reads, 2),
            (self.restart, 1),
            (self.network, 1),
            (self.pause, 1),
            (self.person, 2),
            (people.approve, 1),
            (people.skip, 1),
            (people.link, 1),
            (people.pay_again, 1),
            (people.add, 1),
            (self.reload, 1),
            (self.clock, 1),
            (self.root, 1),
            (self.disk, 1),
        ]
        if variant.crashes:
            deeds.append((self.crash, 12 if variant.theme == "crashes" else 4))
        self._restoring = Restoring(rig, chance, self)
        if variant.restored:
            restoring = self._restoring
            deeds += [(restoring.back_up, 4), (restoring.lose_journal, 3), (restoring.recover, 2)]
        if variant.budget is not None:
            deeds.append((people.over_budget, 1))
        if variant.foreign:
            deeds.append((self.foreign, 6))
        deeds += [(deed, OFTEN) for deed, _ in deeds if deed.__name__ in variant.often]
        deeds = [(deed, weight) for deed, weight in deeds if deed.__name__ not in variant.never]
        self._deeds = [deed for deed, weight in deeds for _ in range(weight)]

    def live(self) -> None:
        """Do as many as the variant says."""
        self.put()
        for _ in range(self.variant.deeds):
            deed = self.chance.choice(self._deeds)
            self.rig.tell(deed.__name__)
            self.rig.survive(deed)
        self.rig.survive(self.end)

    def end_troubles(self) -> None:
        """Everything is well from now on."""
        self.rig.countdown, self.rig.meddle = None, lambda: None
        self.rig.far.down = False
        self.rig.far.next_fate, self.rig.far.unheard = Fate, lambda: None
        self.rig.far.read_troubles.clear()
        if self.variant.poison in LIFTED:
            self.rig.far.poisoned.clear()
        self.room()
        if self.variant.budget is not None:
            self.rig.allowed.from_now_on = self.rig.far.clock()
            self.rig.reload(budget=Budget())
        for root in tuple(self.away):
            self._mend(root)
        self._restoring.make_good()

    # --- files ----------------------------------------------------------------------------------

    def root_path(self) -> Path:
        """One of the watched folders."""
        return self.chance.choice(self.rig.settings.folders).path

    def path(self) -> Path:
        """A place for a file."""
        return self.root_path() / self.chance.choice(NAMES)

    def there(self) -> Path | None:
        """A file that is there."""
        files = [p for f in self.rig.settings.folders for p in sorted(f.path.rglob("*.mp4"))]
        return self.chance.choice(files) if files else None

    def some(self) -> bytes:
        """A clip."""
        twin = self.chance.randrange(3) if self.variant.twins else 0
        kinds = 2 if self.variant.twins else KINDS
        return content(self.chance.randrange(kinds), twin)

    def write(self, path: Path, what: bytes) -> None:
        """Write a file, if its root is there."""
        if any(path.is_relative_to(root) for root in self.away):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(what)
        self.rig.tell("  written", path=str(path), content=blake3(what).hexdigest()[:6])
        self.rig.wrote(path)
        self.hint(path)

    def hint(self, *paths: Path) -> None:
        """An event may tell."""
        for path in paths:
            if self.chance.random() < HINTED:
                self.rig.hint(path)

    def put(self) -> None:
        self.write(self.path(), self.some())

    def half(self) -> None:
        whole = self.some()
        self.write(self.path(), whole[: len(whole) // 2])

    def rewrite(self) -> None:
        """Other bytes in place; the inode stays, the size may."""
        path = self.there()
        if path is not None:
            self.write(path, self.some())

    def copy(self) -> None:
        path = self.there()
        if path is not None:
            self.write(self.path(), path.read_bytes())

    def delete(self) -> None:
        path = self.there()
        if path is not None:
            self.kept.append(path.read_bytes())
            path.unlink()
            self.rig.tell("  deleted", path=str(path))
            self.hint(path)

    def come_back(self) -> None:
        if self.kept:
            self.write(self.path(), self.kept.pop())

    def rename(self) -> None:
        path, new = self.there(), self.path()
        if path is not None and new.parent.exists():
            path.rename(new)
            self.rig.tell("  renamed", path=str(path), to=str(new))
            self.hint(path, new)

    def touch(self) -> None:
        path = self.there()
        if path is not None:
            at = self.chance.random() * 1e9
            os.utime(path, (at, at))
            self.rig.note(path)
            self.hint(path)

    def move(self) -> None:
        """A directory changes its place or its name, or goes."""
        root, names = self.root_path(), ("card", "other", "card/inner")
        old, new = self.chance.sample(names, 2)
        with suppress(OSError):
            (root / old).rename(root / new)
            self.hint(root / old, root / new)

    def meddle(self) -> None:
        """Something happens to a file while a body goes out."""
        deed = self.chance.choice((self.touch, self.delete, self.rewrite, self.rename, self.put))
        deed()

    def root(self) -> None:
        """A whole folder is not there for a while."""
        root = self.root_path()
        if root in self.away:
            self._mend(root)
        else:
            gone = root.with_name(f"{root.name} away")
            root.rename(gone)
            self.away[root] = gone

    def _mend(self, root: Path) -> None:
        gone = self.away.pop(root)
        if root.exists():  # the daemon made nothing there, a person did
            gone.joinpath("kept").mkdir(exist_ok=True)
        gone.rename(root)

    # --- the far side -----------------------------------------------------------------------------

    def fate(self) -> Fate:
        """What becomes of the next upload."""
        if self.chance.random() < self.variant.luck:
            failed = self.chance.random() < self.variant.fails
            return Fate("fails to index", ends_as="FAIL") if failed else Fate()
        return any_fate(self.chance, self.variant)

    def unheard(self) -> Trouble | None:
        """What becomes of the next question; None: it is answered."""
        if self.chance.random() >= self.variant.unheard:
            return None
        return self.chance.choice(READ_TROUBLES)

    def reads(self) -> None:
        trouble = self.chance.choice(READ_TROUBLES)
        self.rig.far.read_troubles += [trouble] * self.chance.randint(1, 4)

    def network(self) -> None:
        self.rig.far.down = not self.rig.far.down

    def foreign(self) -> None:
        """Somebody else uploads: something of their own, or one of our clips."""
        what, scope = self.some(), self.rig.first_scope
        digest = blake3(what).hexdigest()
        stem = self.chance.choice(("their clip", "a", "c"))
        far = self.rig.far
        if self.chance.random() < 0.3:
            digest = f"theirs {len(far.rows)}"
        self.rig.tell("  theirs", stem=stem, content=digest[:6])
        far.put(stem, len(what), scope, digest, Fate(), ours=False)

    def end(self) -> None:
        """What was begun goes on for a while, with all troubles."""
        self.room()
        self.rig.advance(400.0)

    # --- the machine and its people ---------------------------------------------------------------

    def wait(self) -> None:
        self.rig.advance(self.chance.choice((0.5, 5.0, 11.0, 11.0, 30.0, 120.0, 600.0)))

    def crash(self) -> None:
        """Everything ends between some two writes from now on."""
        stage = self.chance.choice(STAGES)
        self.rig.end_at = stage
        self.rig.countdown = self.chance.choice((0, 0, 1, 2) if stage else (0, 1, 3, 5, 8, 12, 20))
        self.rig.advance(self.chance.choice((12.0, 40.0, 600.0)))
        self.rig.countdown = None

    def restart(self) -> None:
        self.room()
        self.rig.stop_and_start()

    def pause(self) -> None:
        self.room()
        self.rig.wish(self.chance.choice(("pause", "resume", "resume")))

    def person(self) -> None:
        """Asks for something; nothing of it pays again."""
        self.room()
        rows = [row.id for row in self.rig.rows()]
        some = self.chance.sample(rows, min(3, len(rows)))
        verb = self.chance.choice(("retry", "forget", "add"))
        asked = {"paths": [str(self.path())]} if verb == "add" else {"ids": some}
        self.rig.wish(verb, **asked)

    def reload(self) -> None:
        """The first folder has another name, or another scope for what comes from now on."""
        first, *others = self.rig.settings.folders
        name = self.chance.choice(("drop", "another name"))
        scope = self.chance.choice(("default", "moved")) if self.variant.scopes > 1 else "default"
        changed = replace(first, name=name, fields=Fields(unique_id=scope))
        self.rig.reload(folders=(changed, *others))

    def clock(self) -> None:
        if not self.variant.clock:
            return
        self.rig.wall_error += self.chance.choice((-86_400.0, -600.0, 30.0, 7200.0))

    def disk(self) -> None:
        """The disk is full from now on."""
        database = self.rig.journal._db
        (pages,) = database.rows("PRAGMA page_count")[0]
        database.rows(f"PRAGMA max_page_count = {pages}")

    def room(self) -> None:
        """There is room again."""
        self.rig.journal._db.rows("PRAGMA max_page_count = 1000000")
