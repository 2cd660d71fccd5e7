"""A folder whose disk or share never answers: the loop itself never touches one (rules R5)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ingestd.daemon.messages import HintsLost, MountsChanged
from ingestd.model import State
from ingestd.watch.mounts import read_mounts
from ingestd.watch.volumes import Volume
from world import Lanes, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The calls of the system that hang on a dead share, as far as Python has them by path.
CALLS = (
    *("stat", "lstat", "open", "scandir", "listdir", "access", "statvfs", "readlink", "mkdir"),
    *("rename", "unlink", "rmdir", "link", "utime"),
)
KINDS = ("folder", "probe", "verify", "hash", "upload", "after", "renames")


class HungWorld(World):
    """A world whose share hangs over a restart too."""

    stuck: frozenset[str] = frozenset()

    def new_lanes(self) -> Lanes:
        lanes = super().new_lanes()
        lanes.held.update(self.stuck)
        return lanes

    def hang(self, name: str) -> None:
        """Whoever touches this folder from now on waits for ever."""
        self.stuck = frozenset(f"{kind} {name}" for kind in KINDS)
        self.lanes.held.update(self.stuck)

    def answer(self) -> None:
        """It is there again."""
        self.stuck = frozenset()
        self.lanes.held.clear()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HungWorld]:
    with HungWorld(tmp_path) as made:
        yield made


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def touched(monkeypatch, share: Path) -> list[str]:
    """Whatever somebody asks the system about the share from now on: from then on it hangs."""
    calls: list[str] = []

    def guarded(name: str):
        real = getattr(os, name)

        def call(*args, **more):
            if args and isinstance(args[0], str | bytes | os.PathLike):
                path = os.fsdecode(args[0])
                if path == str(share) or path.startswith(f"{share}/"):
                    calls.append(f"{name} {path}")
            return real(*args, **more)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, guarded(name))
    return calls


def with_share(world: World, share: Path, **changes) -> dict:
    return {"folders": (world.folder(world.drop), world.folder(share, **changes))}


def put(share: Path, name: str) -> Path:
    path = share / name
    path.write_bytes(World.content(name))
    return path


def state_of(world: World, name: str) -> str:
    return next(one["state"] for one in world.snapshot()["folders"] if one["name"] == name)


def test_nobody_touches_a_share_at_the_start_but_its_own_lane(world, share, touched):
    folders = with_share(world, share)
    touched.clear()
    world.hang("share")
    world.restart(**folders)
    path = world.put("a.mp4")
    world.advance(200)
    assert touched == []
    assert world.state(path) is State.PARSED
    assert (state_of(world, "drop"), state_of(world, "share")) == ("ok", "hung")


def test_nobody_touches_a_share_at_a_reload_but_its_own_lane(world, share, touched):
    world.restart(**with_share(world, share))
    world.advance(30)
    other = world.place / "other"
    three = (*world.settings.folders, world.folder(other))
    touched.clear()
    world.hang("share")
    world.reload(folders=three)
    (other / "a.mp4").write_bytes(world.content("a"))
    world.advance(200)
    assert touched == []
    assert world.state(other / "a.mp4") is State.PARSED
    world.reload(folders=three[:1])  # the share is let go while it hangs
    world.advance(60)
    assert touched == []


def test_whatever_is_asked_while_a_share_hangs_the_loop_does_not_touch_it(world, share, touched):
    world.restart(**with_share(world, share, wait_for_mhl=True))
    known, old = put(share, "known.mp4"), put(share, "old.mp4")
    world.advance(60)
    touched.clear()
    world.hang("share")
    world.hint(known)
    world.hint(share / "card.mhl")
    world.inbox.post(HintsLost(None))
    world.inbox.post(MountsChanged(read_mounts()))
    world.ask("explain", path=str(share / "new.mp4"))
    world.wish("approve", refs=[str(known)], all=True)
    world.wish("retry", all=True)
    world.wish("skip", refs=[str(old)])
    world.wish("trust", folder="share", volume=Volume("nfs4", "nas:/video").document())
    world.advance(300)
    assert touched == []
    assert state_of(world, "share") == "hung"


def test_the_end_does_not_wait_for_a_share_that_hangs(world, share, touched):
    world.restart(**with_share(world, share))
    put(share, "a.mp4")
    world.advance(5)
    touched.clear()
    world.hang("share")
    world.advance(60)
    world.daemon.begin_stop()
    world.run_until_idle()
    assert world.daemon.stopped
    world.daemon.abandon(world.now())
    world.daemon.close()
    assert touched == []


def test_passes_wait_until_each_root_has_said_which_directory_it_is(world, share):
    """Else the first pass lists another folder's files, by another path, as its own."""
    (share / "a.mp4").write_bytes(world.content("a"))
    (world.drop / "inner").mkdir()
    link = world.place / "link"
    link.symlink_to(world.drop / "inner")
    (world.drop / "inner" / "b.mp4").write_bytes(world.content("b"))
    world.restart(folders=(world.folder(world.drop), world.folder(link), world.folder(share)))
    world.hang("share")
    world.advance(1.0)
    assert [one.passes for one in world.daemon.seeing.all()] == [0, 0, 0]
    world.advance(200)  # ... but not for ever
    assert [(row.path, row.state) for row in world.rows()] == [(str(link / "b.mp4"), State.PARSED)]


def test_a_root_that_says_too_late_that_it_is_another_one_is_refused(world):
    link = world.place / "link"
    link.symlink_to(world.drop)
    world.hang("link")
    world.restart(folders=(world.folder(world.drop), world.folder(link)))
    path = world.put("a.mp4")
    world.advance(200)
    world.answer()
    world.advance(200)
    assert state_of(world, "link") == "unreadable"
    assert [row.path for row in world.rows()] == [str(path)]
