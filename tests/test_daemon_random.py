"""Random days from a seed: whatever happens, every clip is paid once and none is lost."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from fake_farside import CUT, DEAD, DOWN, LOST, LOST_BUT_STORED, Fate, answer, refused
from ingestd.daemon.once import WORKING
from ingestd.model import State
from ingestd.remote.contract import Refusal, Trouble
from world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = tuple(f"{folder}{name}.mp4" for folder in ("", "card/", "card/DCIM/") for name in "abc")
CONTENTS = tuple(f"content {number}" for number in range(8))
ENDED_WELL = frozenset({State.PARSED, State.DUPLICATE})


class Day:
    """One run: random things happen, then all troubles end and the world drains."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.deeds: tuple[Callable[[], object], ...] = (
            *[self.put] * 6,
            *[self.wait] * 8,
            *[self.fate] * 6,
            self.delete,
            self.rename,
            self.half,
            self.touch,
            self.reads,
            self.restart,
            self.power_cut,
            self.far_side,
            self.pause,
            self.person,
            self.move,
            self.reload,
            self.clock,
            self.root,
            self.disk,
        )

    def live(self, deeds: int) -> None:
        world = self.world
        world.put("first.mp4")
        world.advance(120)  # an accepted upload: the far side is known to show our names
        for _ in range(deeds):
            self.random.choice(self.deeds)()
        world.far.down = False
        world.far.fates.clear()
        world.far.read_troubles.clear()
        self.room()
        self.mend_root()
        for _ in range(60):
            world.wish("resume")
            world.advance(300)
            if self.is_drained():
                break

    def is_drained(self) -> bool:
        tracker = self.world.daemon.tracker
        working = any(row.state in WORKING for row in self.world.rows())
        return not working and len(tracker) == tracker.waiting()

    # --- what may happen --------------------------------------------------------------------------

    def path(self) -> Path:
        return self.world.drop / self.random.choice(NAMES)

    def put(self) -> None:
        if self.world.drop.exists():
            name = self.random.choice(NAMES)
            self.world.put(name, salt=self.random.choice(CONTENTS))

    def half(self) -> None:
        path = self.path()
        if path.parent.exists():
            whole = self.world.content(self.random.choice(CONTENTS))
            path.write_bytes(whole[: len(whole) // 2])

    def delete(self) -> None:
        self.path().unlink(missing_ok=True)

    def rename(self) -> None:
        with suppress(OSError):
            self.path().rename(self.path())

    def touch(self) -> None:
        with suppress(OSError):
            os.utime(self.path(), (self.random.random() * 1e9, self.random.random() * 1e9))

    def wait(self) -> None:
        self.world.advance(self.random.choice((0.5, 5, 11, 30, 120, 900)))

    def fate(self) -> None:
        later = self.random.choice((0.0, 0.0, 60.0, 600.0))
        world, other = self.world, self.random.choice(CONTENTS)
        fates = (
            LOST,
            Fate(LOST_BUT_STORED.reply, stored=True, visible_after=later),
            refused("1"),
            refused("1", stored=True),
            refused("429"),
            Fate(answer("429", retry_after=300.0), early=True),
            refused("402"),
            Fate(answer(http=502)),
            CUT,
            DEAD,
            Fate(visible_after=later),
            Fate(during=lambda upload: os.utime(upload.path, (5, 5))),
            Fate(during=lambda _: world.drop.exists() and world.put("card/b.mp4", salt=other)),
        )
        world.far.plan(self.random.choice(fates))

    def reads(self) -> None:
        troubles = (DOWN, Trouble(Refusal.RATE, "too fast"), Trouble(Refusal.GARBLED, "half"))
        self.world.far.fail_reads(*[self.random.choice(troubles)] * self.random.randint(1, 5))

    def far_side(self) -> None:
        self.world.far.down = not self.world.far.down

    def restart(self) -> None:
        self.room()
        self.world.restart()

    def power_cut(self) -> None:
        """At any point between two steps, with jobs done or not."""
        self.room()
        for _ in range(self.random.randint(0, 6)):
            self.world.step()
            self.world.lanes.run(most=self.random.randint(0, 2))
        self.world.restart()

    def pause(self) -> None:
        self.room()
        self.world.wish(self.random.choice(("pause", "resume", "resume")))

    def person(self) -> None:
        """Asks for something; nothing of it pays again."""
        self.room()
        rows = [row.id for row in self.world.rows()]
        some = self.random.sample(rows, min(3, len(rows)))
        verb = self.random.choice(("retry", "forget", "add"))
        asked = {"paths": [str(self.path())]} if verb == "add" else {"ids": some}
        self.world.wish(verb, **asked)

    def move(self) -> None:
        """A whole directory changes its place or its name, or goes."""
        names = self.random.sample(("card", "card/DCIM", "other"), 2)
        with suppress(OSError):
            (self.world.drop / names[0]).rename(self.world.drop / names[1])

    def reload(self) -> None:
        name = self.random.choice(("drop", "another name"))
        self.world.reload(folders=(replace(self.world.settings.folders[0], name=name),))

    def clock(self) -> None:
        self.world.wall_error += self.random.choice((-86_400.0, -600.0, 30.0, 7200.0))

    def root(self) -> None:
        if self.world.drop.exists():
            self.world.drop.rename(self.world.place / "away")
        else:
            self.mend_root()

    def mend_root(self) -> None:
        if not self.world.drop.exists():
            (self.world.place / "away").rename(self.world.drop)

    def disk(self) -> None:
        (pages,) = self.world.journal._db.rows("PRAGMA page_count")[0]
        self.world.journal._db.rows(f"PRAGMA max_page_count = {pages}")

    def room(self) -> None:
        self.world.journal._db.rows("PRAGMA max_page_count = 1000000")


def hashes(world: World) -> set[str]:
    """Contents that lie in the folder whole."""
    wholes = {world.content(salt) for salt in (*CONTENTS, "first.mp4")}
    found = (path.read_bytes() for path in world.drop.rglob("*.mp4"))
    return {blake3(content).hexdigest() for content in found if content in wholes}


SEEDS = int(os.environ.get("INGESTD_TEST_SEEDS", "6"))  # more of them find more, for hours


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_each_content_is_paid_once_and_none_is_lost(tmp_path: Path, seed: int):
    with World(tmp_path) as world:
        world.paid_again = True  # looked at below
        world.restart(**world.section("upload", max_attempts=1000))
        Day(world, seed).live(40)
        # found again after a lost answer, and gone from the disk before it could be read: what
        # only has the same sample is uploaded then (rules R4, neither to be had)
        unread = {row.video_no for row in world.rows() if row.content_hash is None}
        paid = {stored.video.video_no: stored.content_hash for stored in world.far.library}
        known = [content for number, content in paid.items() if number not in unread]
        assert len(known) == len(set(known))
        assert hashes(world) <= set(paid.values())
        for path in world.drop.rglob("*.mp4"):
            if blake3(path.read_bytes()).hexdigest() in paid.values():
                assert world.state(path) in ENDED_WELL
