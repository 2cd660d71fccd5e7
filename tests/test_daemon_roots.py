"""Roots that are away, foreign, hang or come back: nothing is lost, nobody waits (rules R5)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestd.daemon.intake import folderwork
from ingestd.daemon.messages import MountsChanged
from ingestd.model import Reason, State
from ingestd.watch.mounts import MountTable, read_mounts
from ingestd.watch.volumes import Volume
from world import worlds

if TYPE_CHECKING:
    from world import World

HERE = Volume("ext4", "/dev/sdb1", point="/mnt/disk", uuid="here")
OTHER = Volume("ext4", "/dev/sdc1", point="/mnt/disk", uuid="other")
BELOW = Volume("ext4", "/dev/vda", point="/", uuid="system")


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def disks(monkeypatch):
    """What `volume_of` says of each path: the disks that a person plugs in."""
    at: dict[str, Volume] = {}

    def volume_of(mount: object, directory: int) -> Volume:
        path = Path(f"/proc/self/fd/{directory}").readlink()
        return at.get(str(path), HERE)

    monkeypatch.setattr(folderwork, "volume_of", volume_of)
    return at


def folder(world: World, name: str = "drop") -> dict:
    return next(one for one in world.snapshot()["folders"] if one["name"] == name)


def put_away(world: World, disks: dict, volume: Volume) -> None:
    """Unplug the disk: its files are gone from the path, and another file system shows."""
    world.drop.rename(world.place / "unplugged")
    world.drop.mkdir()
    disks[str(world.drop)] = volume


def plug_in(world: World, disks: dict) -> None:
    for path in world.drop.iterdir():
        path.unlink()
    world.drop.rmdir()
    (world.place / "unplugged").rename(world.drop)
    disks.pop(str(world.drop), None)


def test_nothing_is_gone_while_the_disk_is_away_and_it_goes_on_when_it_is_back(world, disks):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    put_away(world, disks, BELOW)
    world.advance(3600)
    assert world.way(path) == ["queued"]
    told = folder(world)
    assert told["state"] == "missing"
    assert told["since"] is not None
    assert "/dev/sdb1 (ext4) is not mounted on /mnt/disk" in told["detail"]
    world.wish("resume")
    world.advance(600)
    assert world.far.attempts == []
    plug_in(world, disks)
    world.advance(200)
    assert folder(world)["state"] == "ok"
    assert world.state(path) is State.PARSED


def test_it_is_remembered_over_a_restart(world, disks):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    put_away(world, disks, BELOW)
    world.restart()
    world.advance(3600)
    assert folder(world)["state"] == "missing"
    assert world.way(path) == ["queued"]


def test_of_a_foreign_disk_nothing_is_taken_until_it_is_trusted(world, disks):
    world.put("a.mp4")
    world.advance(200)
    put_away(world, disks, OTHER)
    foreign = world.put("b.mp4")
    world.hint(foreign)
    world.advance(600)
    assert folder(world)["state"] == "foreign"
    assert world.row(foreign) is None
    assert world.events.named("folder.foreign")[0]["detail"].endswith("ingestd trust drop")
    assert len(world.events.named("folder.foreign")) == 1
    answer = world.wish("trust", folder="drop", volume=OTHER.document())
    assert "/dev/sdc1" in answer["text"]
    world.advance(200)
    assert folder(world)["state"] == "ok"
    assert world.state(foreign) is State.PARSED


def test_what_is_not_known_cannot_be_trusted(world):
    for args in ({"folder": "no such"}, {"folder": "drop", "volume": "nonsense"}):
        assert "not watched" in world.wish("trust", **args)["text"]


def test_a_removable_folder_takes_any_disk(world, disks):
    world.restart(folders=(world.folder(world.drop, removable=True),))
    world.put("a.mp4")
    world.advance(200)
    put_away(world, disks, OTHER)
    other = world.put("b.mp4")
    world.advance(200)
    assert world.state(other) is State.PARSED


def test_a_share_that_is_mounted_after_the_start_is_taken(world, disks):
    disks[str(world.drop)] = BELOW
    world.advance(30)
    disks[str(world.drop)] = HERE
    path = world.put("a.mp4")
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_a_path_that_never_was_there_is_said_to_be_wrong(world):
    world.restart(folders=(world.folder(world.drop), world.folder(world.place / "dorp")))
    (world.place / "dorp").rmdir()
    world.advance(30)
    told = folder(world, "dorp")
    assert told["state"] == "missing"
    assert "is the path right?" in told["detail"]
    assert "drop" in told["detail"]


def test_no_file_is_opened_on_a_disk_that_took_the_place_of_another(world, disks, monkeypatch):
    """Between two scans: the mount table tells of it first, and the descriptor proves it."""
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    os.close(world.daemon.judging.openings.opener(str(path))())
    watched = world.daemon.seeing.watched["drop"]
    watched.place = watched.place._replace(device=1)  # where it was mounted before
    with pytest.raises(OSError, match="another file system") as caught:
        world.daemon.judging.openings.opener(str(path))()
    assert caught.value.errno == errno.ESTALE


def test_a_change_of_the_mount_table_is_looked_at_within_the_step(world, disks):
    world.restart(folders=(world.folder(world.drop, poll_interval=900, rescan_interval=900),))
    world.put("a.mp4")
    world.advance(60)
    put_away(world, disks, BELOW)
    world.inbox.post(MountsChanged(MountTable(())))
    world.run_until_idle()
    assert folder(world)["state"] == "missing"
    plug_in(world, disks)
    world.inbox.post(MountsChanged(read_mounts()))
    world.run_until_idle()
    assert folder(world)["state"] == "ok"


def test_mounts_elsewhere_wake_no_folder(world):
    world.restart(folders=(world.folder(world.drop, poll_interval=900, rescan_interval=900),))
    world.inbox.post(MountsChanged(read_mounts()))
    world.advance(10)
    before = folder(world)["last_scan_at"]
    world.inbox.post(MountsChanged(read_mounts()))
    world.advance(10)
    assert folder(world)["last_scan_at"] == before


def test_a_hung_share_is_told_and_holds_up_nobody(world):
    other = world.place / "other"
    world.restart(folders=(world.folder(world.drop), world.folder(other)))
    hung = world.put("a.mp4")
    world.advance(5)
    for lane in ("folder drop", "probe drop", "hash drop", "upload drop"):
        world.lanes.held.add(lane)
    path = other / "b.mp4"
    path.write_bytes(world.content("x"))
    world.advance(200)
    assert world.state(path) is State.PARSED
    told = folder(world)
    assert told["state"] == "hung"
    assert "does not answer" in told["detail"]
    assert len(world.events.named("folder.hung")) == 1
    world.lanes.held.clear()
    world.advance(200)
    assert folder(world)["state"] == "ok"
    assert world.state(hung) is State.PARSED


def test_uploads_from_a_hung_share_take_up_no_slot(world):
    other = world.place / "other"
    world.restart(
        folders=(world.folder(world.drop), world.folder(other)),
        **world.section("upload", concurrency=1, per_minute=None),
    )
    stuck = world.put("a.mp4")
    world.until(lambda: world.state(stuck) is State.QUEUED)
    world.lanes.held.update(("upload drop", "folder drop"))
    path = other / "b.mp4"
    path.write_bytes(world.content("x"))
    world.advance(300)
    assert world.state(path) is State.PARSED
    world.lanes.held.clear()
    world.advance(300)
    assert world.state(stuck) is State.PARSED


def test_a_slow_scan_that_gets_answers_does_not_hang(world):
    watched = world.daemon.seeing.watched["drop"]
    world.lanes.held.add("folder drop")
    world.step()
    for _ in range(10):
        world.elapsed += 15
        watched.worker.steps += 1
        world.step()
    assert watched.state == "ok"
    world.elapsed += 25
    world.step()
    assert watched.state == "hung"


def test_the_same_directory_twice_is_refused_and_its_files_are_taken_once(world):
    link = world.place / "link"
    link.symlink_to(world.drop)
    world.restart(folders=(world.folder(world.drop), world.folder(link)))
    path = world.put("a.mp4")
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert len(world.rows()) == 1
    told = folder(world, "link")
    assert told["state"] == "unreadable"
    assert "same directory as" in told["detail"]


def test_a_folder_inside_another_by_a_link_has_its_files_once(world):
    inner = world.drop / "inner"
    inner.mkdir()
    link = world.place / "link"
    link.symlink_to(inner)
    world.restart(folders=(world.folder(world.drop), world.folder(link)))
    (inner / "a.mp4").write_bytes(world.content("x"))
    world.hint(inner / "a.mp4")
    world.advance(200)
    assert [(row.path, row.state) for row in world.rows()] == [(str(link / "a.mp4"), State.PARSED)]


def test_events_lost_while_a_pass_runs_bring_another_pass(world):
    world.restart(folders=(world.folder(world.drop, poll_interval=900, rescan_interval=900),))
    world.lanes.held.add("folder drop")
    world.step()
    world.daemon.seeing.scan_now()
    world.lanes.held.clear()
    world.run_until_idle()
    assert world.daemon.seeing.watched["drop"].passes == 2


def test_rows_of_a_foreign_disk_are_not_attempted(world, disks):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    put_away(world, disks, OTHER)
    world.advance(15)
    world.wish("resume")
    world.advance(600)
    row = world.row(path)
    assert (row.state, row.reason) == (State.QUEUED, None)
    assert world.far.attempts == []
    assert Reason.VANISHED not in {one.reason for one in world.rows()}
