"""The root guard: which file system is the one that was known, and what a person is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.watch.entries import RootState
from ingestd.watch.guard import Guard, Known
from ingestd.watch.volumes import Volume, read_volume, volume_at

NAS = Volume("cifs", "//nas/video", point="/mnt/nas")
DISK = Volume("ext4", "/dev/sdb1", point="/mnt/disk", uuid="0b1c", fsid="17")
STICK = Volume("vfat", "/dev/sdc1", point="/mnt/stick", size=64_000)
SYSTEM = Volume("ext4", "/dev/vda", uuid="aaaa")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NAS, NAS),
        (NAS, replace(NAS, source="//NAS/Video/", fstype="smb3")),
        (Volume("nfs", "nas:/video"), Volume("nfs4", "nas:/video/")),
        (DISK, replace(DISK, source="/dev/sdx9", point="/mnt/else")),
        (DISK, replace(DISK, source="/dev/sdx9", uuid="")),
        (replace(DISK, uuid="", fsid=""), DISK),
        (STICK, STICK),
        (SYSTEM, replace(SYSTEM, root="/@/.snapshots/2/snapshot")),
        (replace(DISK, point="/"), replace(DISK, root="/srv/in", point="/srv/in")),
        (replace(DISK, point="/mnt/a"), replace(DISK, root="/in", point="/mnt/a/in")),
    ],
)
def test_the_same_file_system_is_known_again(one: Volume, other: Volume):
    assert one.same_as(other)
    assert other.same_as(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NAS, replace(NAS, source="//nas/music")),
        (Volume("nfs", "nas:/Video"), Volume("nfs", "nas:/video")),
        (DISK, replace(DISK, uuid="0b1d")),
        (DISK, replace(DISK, uuid="", fsid="18")),
        (DISK, replace(DISK, root="/other")),
        (replace(DISK, point="/mnt/in"), replace(DISK, root="/in", point="/mnt/in")),
        (DISK, replace(DISK, fstype="xfs")),
        (STICK, replace(STICK, size=32_000)),
        (replace(DISK, uuid="", fsid=""), replace(DISK, uuid="", fsid="", source="/dev/sdc1")),
    ],
)
def test_another_file_system_is_told_from_it(one: Volume, other: Volume):
    assert not one.same_as(other)
    assert not other.same_as(one)


def test_rows_name_a_disk_alike_inside_a_services_sandbox():
    disk = replace(DISK, point="/mnt/a")
    assert replace(disk, root="/in", point="/mnt/a/in").id == disk.id
    assert replace(disk, root="/other", point="/mnt/a/in").id != disk.id


def test_a_volume_survives_the_journal():
    assert read_volume(DISK.document()) == DISK
    assert read_volume({"fstype": "ext4", "size": "much", "more": 1}) == Volume("ext4")
    assert read_volume({"source": "/dev/sda"}) is None
    assert read_volume(None) is None


def test_this_machines_own_file_system_is_seen_alike_twice(tmp_path):
    assert volume_at(str(tmp_path)).same_as(volume_at(str(tmp_path)))
    assert volume_at("/proc").fstype == "proc"


def test_an_empty_mount_point_is_missing_and_no_empty_share():
    state, detail = Guard("nas", Known(NAS)).verdict("/mnt/nas/clips", SYSTEM)
    assert state is RootState.MISSING
    assert detail == (
        "//nas/video is not mounted on /mnt/nas. Nothing is lost; goes on by itself when it is "
        "back."
    )
    removable = Guard("nas", Known(NAS), removable=True)
    assert removable.verdict("/mnt/nas", SYSTEM)[0] is RootState.MISSING


def test_another_disk_at_the_same_path_is_foreign_until_a_person_trusts_it():
    other = replace(DISK, uuid="ffff", source="/dev/sdd1")
    state, detail = Guard("disk", Known(DISK)).verdict("/mnt/disk", other)
    assert state is RootState.FOREIGN
    assert "/dev/sdb1" in detail
    assert "/dev/sdd1" in detail
    assert detail.endswith("ingestd trust disk")
    removable = Guard("disk", Known(DISK), removable=True)
    assert removable.verdict("/mnt/disk", other) == (RootState.OK, "")


def test_two_disks_that_get_the_same_name_are_told_apart_in_words():
    _, detail = Guard("disk", Known(DISK)).verdict("/mnt/disk", replace(DISK, uuid="ffff"))
    assert "another /dev/sdb1 (ext4), ffff now, and it was 0b1c" in detail


@pytest.mark.parametrize(("used", "state"), [(False, RootState.OK), (True, RootState.FOREIGN)])
def test_a_share_mounted_after_the_start_is_taken_unless_videos_lay_below_it(used, state):
    guard = Guard("nas", Known(SYSTEM, used=used))
    assert guard.verdict("/mnt/nas", NAS)[0] is state


def test_a_root_that_was_never_seen_is_told_from_one_that_is_away():
    mounted = frozenset({"/", "/mnt/disk"})
    never = Guard("drop").missing("/srv/dorp", mounted, ("/srv", "drop", "old"))
    assert never == (
        "/srv/dorp was never seen since it was configured: is the path right? /srv has: drop, old."
    )
    assert "is empty" in Guard("drop").missing("/srv/dorp", mounted, ("/srv",))
    away = Guard("nas", Known(NAS)).missing("/mnt/nas", mounted, ("/mnt",))
    assert away.startswith("//nas/video is not mounted on /mnt/nas.")
    removed = Guard("disk", Known(DISK)).missing("/mnt/disk/in", mounted, ("/mnt/disk",))
    assert removed.startswith("/mnt/disk/in is not there any more. Nothing is lost")
