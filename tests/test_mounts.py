"""The whole daemon on real file systems: disks that come, go and change places (rules R5)."""

from __future__ import annotations

from mount_kit import in_mount_namespace

HEAD = """
import sys
from pathlib import Path
from mount_kit import needs, sh
from ingestd.config import WatchMode
from ingestd.model import State
from ingestd.daemon.messages import MountsChanged
from ingestd.watch.mounts import read_mounts
from world import World

def told(world):
    world.inbox.post(MountsChanged(read_mounts()))
    world.advance(5)

def folder(world, name="drop"):
    return next(one for one in world.snapshot()["folders"] if one["name"] == name)

def world_at(place, **changes):
    world = World(place)
    world.restart(folders=(world.folder(world.drop, mode=WatchMode.AUTO, **changes),))
    world.advance(5)
    return world

place = Path(sys.argv[1])
"""


def run(code: str, *arguments: object) -> None:
    in_mount_namespace(HEAD + code, *arguments)


def test_a_disk_mounted_inside_a_folder_is_looked_at_on_its_own(tmp_path):
    run(
        """
(place / "drop/card").mkdir(parents=True)
disk = place / "disk"; disk.mkdir()
sh("mount", "--bind", disk, place / "drop/card")
with world_at(place, rescan_interval=600.0) as world:
    world.wish("pause")
    path = world.put("card/a.mp4"); world.hint(path)
    other = world.put("b.mp4"); world.hint(other)
    world.advance(60)
    (part,) = world.daemon.seeing.parts.values()
    assert part.root == str(world.drop / "card") and part.in_order, part
    assert world.state(path) is State.QUEUED
    assert world.row(path).folder == "drop"
    sh("umount", world.drop / "card"); told(world)
    world.advance(7200)
    assert world.way(path) == ["queued"], world.way(path)
    world.wish("resume")
    world.advance(600)
    assert world.state(other) is State.PARSED
    assert world.state(path) is State.QUEUED
    assert "not there" in world.row(path).detail
    sh("mount", "--bind", disk, world.drop / "card"); told(world)
    world.advance(2400)
    assert world.state(path) is State.PARSED, world.row(path)
    world.advance(60)
""",
        tmp_path,
    )


def test_the_mode_of_an_inner_mount_is_its_own(tmp_path):
    run(
        """
(place / "drop/layers").mkdir(parents=True)
for name in ("lower", "upper", "work"): (place / name).mkdir()
needs("mount", "-t", "overlay", "overlay", "-o",
      f"lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work", place / "drop/layers")
with world_at(place, rescan_interval=100_000.0, poll_interval=30.0) as world:
    (part,) = world.daemon.seeing.parts.values()
    assert folder(world)["mode"] == "events", folder(world)
    assert part.mode == "poll", part.mode
    (place / "upper/a.mp4").write_bytes(world.content("x"))  # no event tells of that
    world.advance(200)
    assert world.state(world.drop / "layers/a.mp4") is State.PARSED
""",
        tmp_path,
    )


def test_the_same_card_is_known_again_and_another_one_is_foreign_until_trusted(tmp_path):
    run(
        """
from ingestd.watch.volumes import volume_at
disks = []
for name in ("one", "two"):
    image = place / f"{name}.img"
    needs("truncate", "-s", "8M", image); needs("mkfs.ext4", "-q", image)
    disks.append(image)
drop = place / "drop"; drop.mkdir()
needs("mount", "-o", "loop", disks[0], drop)
with world_at(place) as world:
    path = world.put("a.mp4"); world.hint(path)
    world.advance(120)
    assert world.state(path) is State.PARSED
    kept = world.put("kept.mp4"); world.wish("pause"); world.hint(kept)
    world.advance(30)
    sh("umount", "-l", drop); told(world)
    assert folder(world)["state"] == "missing", folder(world)
    sh("mount", "-o", "loop", disks[1], drop)
    other = world.put("other.mp4"); told(world)
    assert folder(world)["state"] == "foreign", folder(world)
    assert world.row(other) is None and world.way(kept) == ["queued"]
    sh("umount", "-l", drop); sh("mount", "-o", "loop", disks[0], drop); told(world)
    assert folder(world)["state"] == "ok", folder(world)
    assert world.way(kept) == ["queued"]
    sh("umount", "-l", drop); sh("mount", "-o", "loop", disks[1], drop); told(world)
    world.wish("trust", folder="drop", volume=volume_at(str(drop)).document())
    world.wish("resume")
    world.advance(200)
    assert world.state(other) is State.PARSED
    assert world.state(kept) is State.QUEUED  # its disk is away, which is no proof of its end
    world.advance(60)
sh("umount", "-l", drop)
""",
        tmp_path,
    )


def test_a_folder_that_a_sandbox_mounts_on_itself_is_the_same_folder(tmp_path):
    """As when ReadWritePaths= is added to a service that ran without it."""
    run(
        """
with world_at(place) as world:
    world.wish("pause")
    path = world.put("a.mp4"); world.hint(path)
    world.advance(30)
    assert world.state(path) is State.QUEUED
    sh("mount", "--bind", world.drop, world.drop)
    world.restart(); world.advance(5)
    assert folder(world)["state"] == "ok", folder(world)
    world.wish("resume")
    world.advance(200)
    assert world.state(path) is State.PARSED, world.row(path)
    sh("umount", "-l", world.drop); told(world)
    assert folder(world)["state"] == "ok", folder(world)
""",
        tmp_path,
    )


def test_a_formatted_card_that_starts_again_at_the_same_name_is_new(tmp_path):
    run(
        """
drop = place / "drop"; drop.mkdir()
image = place / "card.img"
needs("truncate", "-s", "8M", image); needs("mkfs.ext4", "-q", image)
needs("mount", "-o", "loop", image, drop)
with world_at(place, removable=True) as world:
    path = world.put("GX010001.MP4", salt="first"); world.hint(path)
    world.advance(120)
    status = path.stat()
    sh("umount", "-l", drop); sh("mkfs.ext4", "-q", "-F", image)
    sh("mount", "-o", "loop", image, drop)
    again = world.put("GX010001.MP4", salt="other")
    import os
    os.utime(again, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert again.stat().st_size == status.st_size
    told(world); world.advance(200)
    assert len(world.bodies()) == 2, world.rows()
    assert [row.state for row in world.rows(path)] == [State.PARSED] * 2
sh("umount", "-l", drop)
""",
        tmp_path,
    )


def test_two_paths_to_one_directory_by_a_bind_mount_are_refused(tmp_path):
    run(
        """
from ingestd.cli.main import run_cli
for name in ("drop", "again"): (place / name).mkdir()
sh("mount", "--bind", place / "drop", place / "again")
config = place / "config.yaml"
config.write_text(f"state_dir: {place}/state\\nfolders: [{place}/drop, {place}/again]\\n")
import os
os.environ["INGESTD_API_KEY"] = "sk-mavi-0123456789abcdef"
assert run_cli(["-c", str(config), "run"]) == 2
""",
        tmp_path,
    )


def test_a_fuse_file_system_is_polled_and_what_is_written_behind_it_is_found(tmp_path):
    run(
        """
drop, behind = place / "drop", place / "behind"
drop.mkdir(); behind.mkdir()
needs("bindfs", behind, drop)
try:
    with world_at(place) as world:
        assert folder(world)["mode"] == "poll", folder(world)
        (behind / "a.mp4").write_bytes(world.content("x"))
        world.advance(200)
        assert world.state(drop / "a.mp4") is State.PARSED
finally:
    sh("umount", "-l", drop)
""",
        tmp_path,
    )


def test_every_mount_and_unmount_is_heard_of_at_once(tmp_path):
    in_mount_namespace(
        """
        import queue, subprocess, sys, threading, time
        from ingestd.watch.mountwatch import MountWatch
        heard = queue.Queue()
        watch = MountWatch(heard.put)
        time.sleep(0.2)
        subprocess.run(["mount", "-t", "tmpfs", "share", sys.argv[1]], check=True)
        assert heard.get(timeout=5).of(sys.argv[1]).source == "share"
        subprocess.run(["umount", sys.argv[1]], check=True)
        while heard.get(timeout=5).of(sys.argv[1]).source == "share": pass
        watch.close()
        watch.close()
        for thread in threading.enumerate():
            if thread.name == "mounts": thread.join(5); assert not thread.is_alive()
        """,
        tmp_path,
    )
