"""The mount table: which file system a path lies on, and what follows from its type."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from ingestd.watch.mounts import (
    WatchMode,
    is_network,
    keeps_mtimes,
    mode_for,
    parse_mountinfo,
    read_mounts,
)

TABLE = r"""
22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
28 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro
40 28 8:17 / /srv/drop rw,relatime shared:20 - xfs /dev/sdb1 rw,attr2
41 28 0:50 / /mnt/nas\040video rw,relatime shared:21 - cifs //nas/video rw,vers=3.1.1
42 41 0:51 / /mnt/nas\040video/deep rw - nfs4 nas:/export\040two rw,hard
43 28 0:52 / /mnt/ssh rw - fuse.sshfs user@host:/clips rw
44 28 0:53 /@home /home rw - btrfs /dev/sdc1 rw,subvol=/@home
45 28 8:2 /data/in /srv/bound rw - ext4 /dev/sda2 rw
46 28 0:60 / /var/lib/docker/merged rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/srv/drop/up\054per,workdir=/w
47 28 8:33 / /media/card ro - vfat /dev/sdd1 rw,uid=1000
48 28 0:61 / /odd\011\134name rw - tmpfs tmpfs rw
""".strip()  # noqa: E501 - lines as the kernel writes them


@pytest.fixture
def table():
    return parse_mountinfo(TABLE, {"/dev/sdb1": "1234-uuid", "8:33": "ABCD-0123"})


@pytest.mark.parametrize(
    ("path", "fstype", "source"),
    [
        ("/", "ext4", "/dev/sda2"),
        ("/srv", "ext4", "/dev/sda2"),
        ("/srv/drop", "xfs", "/dev/sdb1"),
        ("/srv/drop/", "xfs", "/dev/sdb1"),
        ("/srv/drop/card/a.mp4", "xfs", "/dev/sdb1"),
        ("/srv/dropped/a.mp4", "ext4", "/dev/sda2"),
        ("/mnt/nas video/a.mp4", "cifs", "//nas/video"),
        ("/mnt/nas video/deep/a.mp4", "nfs4", "nas:/export two"),
        ("/mnt/ssh/x", "fuse.sshfs", "user@host:/clips"),
        ("/odd\t\\name/x", "tmpfs", "tmpfs"),
    ],
)
def test_the_deepest_mount_holds_a_path(table, path, fstype, source):
    mount = table.of(path)
    assert (mount.fstype, mount.source) == (fstype, source)


@pytest.mark.parametrize(
    ("path", "fs_id"),
    [
        ("/srv/drop/x", "uuid:1234-uuid"),
        ("/media/card/x", "uuid:ABCD-0123"),
        ("/etc", "ext4:/dev/sda2"),
        ("/mnt/nas video", "cifs://nas/video"),
        ("/home/me", "btrfs:/dev/sdc1:/@home"),
        ("/srv/bound", "ext4:/dev/sda2:/data/in"),
    ],
)
def test_a_file_system_is_told_by_its_uuid_else_by_type_and_source(table, path, fs_id):
    assert table.of(path).fs_id == fs_id


def test_the_device_is_kept_as_the_kernel_names_it(table):
    assert table.of("/srv/drop").dev == "8:17"


def test_of_two_mounts_at_one_point_the_last_one_counts():
    table = parse_mountinfo(
        "28 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
        "40 28 8:17 / /srv/drop rw - xfs /dev/sdb1 rw\n"
        "41 40 8:18 / /srv/drop rw - ext4 /dev/sdc1 rw\n"
    )
    assert table.of("/srv/drop/a").source == "/dev/sdc1"


def test_a_mount_below_a_directory_that_was_mounted_over_is_not_seen():
    table = parse_mountinfo(
        "28 1 8:2 / / rw - ext4 /dev/sda2 rw\n"
        "40 28 8:17 / /srv/drop/in rw - xfs /dev/sdb1 rw\n"
        "42 40 8:19 / /srv/drop/in/deep rw - xfs /dev/sde1 rw\n"
        "41 28 8:18 / /srv/drop rw - ext4 /dev/sdc1 rw\n"
        "43 41 8:20 / /srv/drop/new rw - ext4 /dev/sdf1 rw\n"
    )
    assert table.of("/srv/drop/in/a").source == "/dev/sdc1"
    assert table.of("/srv/drop/in/deep/a").source == "/dev/sdc1"
    assert table.of("/srv/drop/new/a").source == "/dev/sdf1"


@pytest.mark.parametrize("text", ["", "\n", "garbage", "1 2 3 - ext4", "1 2 3:4 / /mnt rw - ext4"])
def test_lines_that_are_none_are_left_out(text):
    table = parse_mountinfo(text)
    assert table.mounts == ()
    assert table.of("/srv") is None


def test_an_overlay_knows_what_it_writes_to_where_that_is_visible(table):
    overlay = table.of("/var/lib/docker/merged/x")
    assert table.underlying(overlay).source == "/dev/sdb1"
    assert table.underlying(table.of("/srv/drop")) is None


def test_an_overlay_in_a_container_does_not_know_what_it_writes_to():
    table = parse_mountinfo("9 1 0:60 / / rw - overlay overlay rw,upperdir=/var/lib/up,workdir=/w")
    assert table.underlying(table.of("/data")) is None


@pytest.mark.parametrize(
    ("fstype", "mode", "network", "mtimes"),
    [
        ("ext4", "events", False, True),
        ("xfs", "events", False, True),
        ("btrfs", "events", False, True),
        ("tmpfs", "events", False, True),
        ("vfat", "events", False, False),
        ("exfat", "events", False, False),
        ("ntfs3", "events", False, False),
        ("fuseblk", "poll", False, False),
        ("overlay", "poll", False, False),
        ("nfs4", "poll", True, False),
        ("cifs", "poll", True, False),
        ("smb3", "poll", True, False),
        ("9p", "poll", True, False),
        ("virtiofs", "poll", True, False),
        ("fuse.sshfs", "poll", True, False),
        ("fuse.anything", "poll", True, False),
        ("unheard-of", "poll", False, False),
    ],
)
def test_the_type_of_a_file_system_decides_how_it_is_watched(fstype, mode, network, mtimes):
    assert mode_for(fstype, "auto") == mode
    assert is_network(fstype) is network
    assert keeps_mtimes(fstype) is mtimes


def test_a_person_may_decide_otherwise():
    assert mode_for("cifs", "events") is WatchMode.EVENTS
    assert mode_for("ext4", "poll") is WatchMode.POLL


def test_this_machine_has_a_root_and_a_proc():
    table = read_mounts()
    assert table.of("/").point == "/"
    assert table.of("/proc/self/status").fstype == "proc"


def test_a_file_system_that_is_mounted_now_is_found(tmp_path):
    child = textwrap.dedent("""
        import os, subprocess, sys
        from ingestd.watch.mounts import read_mounts
        subprocess.run(["mount", "-t", "tmpfs", "a disk", sys.argv[1]], check=True)
        mount = read_mounts().of(sys.argv[1] + "/clip.mp4")
        assert (mount.fstype, mount.source) == ("tmpfs", "a disk"), mount
        device = os.stat(sys.argv[1]).st_dev
        assert mount.dev == f"{os.major(device)}:{os.minor(device)}"
    """)
    folder = tmp_path / "with space"
    folder.mkdir()
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root and unshare(1) for a mount namespace of its own")
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", child]
    done = subprocess.run([*command, os.fspath(folder)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
