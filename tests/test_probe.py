"""One look at a file: real files, links, pipes, errors of the system."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys

import pytest

from ingestd.containers import BytesSource
from ingestd.filestat import kind_of, stat_of
from ingestd.fingerprint import sampled
from ingestd.model import Container, Facts
from ingestd.probe import (
    NotRegularError,
    ProbeTrouble,
    TroubleKind,
    open_below,
    probe,
    trouble_of,
)
from videos import write_video


def look(root, relative, *, follow_symlinks=False):
    return probe(lambda: open_below(str(root), relative, follow_symlinks=follow_symlinks))


def open_fds() -> list[str]:
    return sorted(entry.name for entry in os.scandir("/proc/self/fd"))


def test_a_real_video_gives_facts_of_one_moment(tmp_path):
    path = write_video(tmp_path / "card" / "clip.mp4")
    facts = look(tmp_path, "card/clip.mp4")
    assert isinstance(facts, Facts)
    assert facts.regular
    assert facts.stat == stat_of(path.stat())
    assert facts.findings.container is Container.MP4
    assert facts.findings.complete
    assert facts.fingerprint == sampled(BytesSource(path.read_bytes()))


def test_no_descriptor_is_left_open(tmp_path):
    write_video(tmp_path / "clip.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to("clip.mp4")
    before = open_fds()
    for name in ("clip.mp4", "pipe.mp4", "link.mp4", "none.mp4", "clip.mp4/none", "../x"):
        look(tmp_path, name)
    assert open_fds() == before


def test_names_of_odd_bytes_are_opened(tmp_path):
    name = os.fsdecode(b"card \xff\xfe\n/clip \xe9.mp4")
    write_video(tmp_path / name)
    assert isinstance(look(tmp_path, name), Facts)


@pytest.mark.parametrize(
    "relative", ["none.mp4", "no/such/folder/clip.mp4", "clip.mp4/below", "a\0b"]
)
def test_what_is_not_there_has_vanished(tmp_path, relative):
    write_video(tmp_path / "clip.mp4")
    trouble = look(tmp_path, relative)
    assert isinstance(trouble, ProbeTrouble)
    assert trouble.kind is TroubleKind.VANISHED
    assert trouble.errno_name in ("ENOENT", "ENOTDIR")


def test_a_missing_root_has_vanished_too(tmp_path):
    for follow in (False, True):
        trouble = look(tmp_path / "unmounted", "clip.mp4", follow_symlinks=follow)
        assert trouble.kind is TroubleKind.VANISHED


def test_a_pipe_does_not_block_and_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "clip.mp4")
    facts = look(tmp_path, "clip.mp4")
    assert not facts.regular
    assert facts.fingerprint == ""
    assert facts.findings.detail == "a named pipe"


def test_a_folder_is_no_regular_file(tmp_path):
    (tmp_path / "clip.mp4").mkdir()
    facts = look(tmp_path, "clip.mp4")
    assert not facts.regular
    assert facts.findings.detail == "a folder"


def test_a_socket_is_no_regular_file(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "clip.mp4"))
        trouble = look(tmp_path, "clip.mp4")
    assert trouble.kind is TroubleKind.NOT_REGULAR


def test_a_device_is_no_regular_file():
    facts = look("/dev", "null")
    assert not facts.regular
    assert facts.findings.detail == "a character device"


def test_a_link_is_not_followed_unless_it_may_be(tmp_path):
    write_video(tmp_path / "real" / "clip.mp4")
    (tmp_path / "link.mp4").symlink_to("real/clip.mp4")
    trouble = look(tmp_path, "link.mp4")
    assert trouble.kind is TroubleKind.NOT_REGULAR
    assert trouble.errno_name == "ELOOP"
    assert isinstance(look(tmp_path, "link.mp4", follow_symlinks=True), Facts)


def test_a_linked_folder_is_not_followed_unless_it_may_be(tmp_path):
    write_video(tmp_path / "real" / "clip.mp4")
    (tmp_path / "linked").symlink_to("real")
    with pytest.raises(NotRegularError):
        open_below(str(tmp_path), "linked/clip.mp4", follow_symlinks=False)
    assert look(tmp_path, "linked/clip.mp4").kind is TroubleKind.NOT_REGULAR
    assert isinstance(look(tmp_path, "linked/clip.mp4", follow_symlinks=True), Facts)


@pytest.mark.parametrize("target", ["../outside/clip.mp4", "{outside}/clip.mp4"])
def test_a_link_out_of_the_root_is_followed_only_if_a_person_said_so(tmp_path, target):
    write_video(tmp_path / "outside" / "clip.mp4")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(target.format(outside=tmp_path / "outside"))
    assert look(root, "link").kind is TroubleKind.NOT_REGULAR
    assert isinstance(look(root, "link", follow_symlinks=True), Facts)


def test_a_link_to_a_directory_is_no_file_even_if_it_is_followed(tmp_path):
    (tmp_path / "link.mp4").symlink_to("..")
    found = look(tmp_path, "link.mp4", follow_symlinks=True)
    assert isinstance(found, Facts)
    assert not found.regular


@pytest.mark.parametrize(
    "relative", ["../watched/clip.mp4", "/etc/passwd", "a/../../x", "", ".", ".."]
)
@pytest.mark.parametrize("follow", [False, True])
def test_a_path_that_climbs_is_outside(tmp_path, relative, follow):
    root = tmp_path / "watched"
    write_video(root / "clip.mp4")
    assert look(root, relative, follow_symlinks=follow).kind is TroubleKind.OUTSIDE_ROOT


def test_links_in_a_circle_are_no_file(tmp_path):
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    for follow in (False, True):
        assert look(tmp_path, "a.mp4", follow_symlinks=follow).kind is TroubleKind.NOT_REGULAR


def test_a_root_may_itself_be_reached_through_a_link(tmp_path):
    write_video(tmp_path / "disk" / "card" / "clip.mp4")
    (tmp_path / "mnt").symlink_to("disk")
    for follow in (False, True):
        assert isinstance(look(tmp_path / "mnt", "card/clip.mp4", follow_symlinks=follow), Facts)


def test_a_descriptor_is_not_inherited(tmp_path):
    write_video(tmp_path / "clip.mp4")
    fd = open_below(str(tmp_path), "clip.mp4", follow_symlinks=False)
    try:
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


AS_NOBODY = """
import os, sys
from ingestd.probe import probe
folder = os.open(sys.argv[1], os.O_RDONLY)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
trouble = probe(lambda: os.open("clip.mp4", os.O_RDONLY, dir_fd=folder))
print(trouble.kind, trouble.errno_name)
"""


def test_a_forbidden_file_is_unreadable_and_never_more_than_that(tmp_path):
    write_video(tmp_path / "clip.mp4").chmod(0)
    tmp_path.chmod(0o755)
    command = [sys.executable, "-c", AS_NOBODY, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["unreadable", "EACCES"]


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EBUSY, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENODEV, 0]
)
def test_an_error_of_the_system_is_unreadable_with_its_name_and_a_remedy(number):
    def refuse() -> int:
        raise OSError(number, os.strerror(number))

    trouble = probe(refuse)
    assert trouble.kind is TroubleKind.UNREADABLE
    assert trouble.errno_name == errno.errorcode.get(number, "")
    assert trouble.errno_name in trouble.detail
    assert "tried again" in trouble.detail


def test_no_sentence_about_trouble_shows_a_path_or_is_empty(tmp_path):
    for number in errno.errorcode:
        detail = trouble_of(OSError(number, os.strerror(number), "/secret/path")).detail
        assert detail
        assert "/secret" not in detail


def test_a_file_that_grows_while_it_is_looked_at_has_changed(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4")
    pread = os.pread

    def growing(fd, length, offset):
        with path.open("ab") as file:
            file.write(b"more")
        return pread(fd, length, offset)

    monkeypatch.setattr(os, "pread", growing)
    assert look(tmp_path, "clip.mp4").kind is TroubleKind.CHANGED


def test_a_file_that_shrinks_while_it_is_looked_at_has_changed(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4")
    pread = os.pread

    def shrinking(fd, length, offset):
        os.truncate(path, 100)
        return pread(fd, length, offset)

    monkeypatch.setattr(os, "pread", shrinking)
    assert look(tmp_path, "clip.mp4").kind is TroubleKind.CHANGED


def test_an_error_in_the_middle_of_reading_is_unreadable(tmp_path, monkeypatch):
    write_video(tmp_path / "clip.mp4")

    def broken(fd, length, offset):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    trouble = look(tmp_path, "clip.mp4")
    assert trouble.kind is TroubleKind.UNREADABLE
    assert trouble.errno_name == "EIO"


def test_other_rights_or_another_name_are_no_change(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4")
    pread = os.pread

    def renaming(fd, length, offset):
        if path.exists():
            path.chmod(0o600)
            path.rename(tmp_path / "other.mp4")
        return pread(fd, length, offset)

    monkeypatch.setattr(os, "pread", renaming)
    assert isinstance(look(tmp_path, "clip.mp4"), Facts)


def test_every_kind_of_file_has_a_word(tmp_path):
    assert kind_of(tmp_path.stat().st_mode) == "a folder"
    assert kind_of(0) == "an unknown kind of file"


# --- races: a link comes into the path between one look and the next ---------------------------


@pytest.mark.parametrize("swapped", ["card", "card/roll", "card/roll/clip.mp4"])
@pytest.mark.parametrize("follow", [False, True])
def test_a_link_that_comes_in_while_the_path_is_opened_leads_nowhere(
    tmp_path, monkeypatch, swapped, follow
):
    root, secret = tmp_path / "watched", tmp_path / "secret"
    write_video(root / "card" / "roll" / "clip.mp4")
    write_video(secret / "clip.mp4")
    write_video(secret / "roll" / "clip.mp4")
    target = secret / "clip.mp4" if swapped.endswith("mp4") else secret
    real = os.open

    def racing(path, flags, *more, **where):
        if path == swapped.rpartition("/")[2]:  # looked up already, and not opened yet
            (root / swapped).rename(tmp_path / "aside")
            (root / swapped).symlink_to(target)
        return real(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", racing)
    found = look(root, "card/roll/clip.mp4", follow_symlinks=follow)
    assert (root / swapped).is_symlink()
    assert isinstance(found, ProbeTrouble)
    assert found.kind is (TroubleKind.CHANGED if follow else TroubleKind.NOT_REGULAR)


@pytest.mark.parametrize("follow", [False, True])
def test_a_directory_that_is_moved_away_while_it_is_open_is_still_the_one_that_was_meant(
    tmp_path, monkeypatch, follow
):
    root, secret = tmp_path / "watched", tmp_path / "secret"
    path = write_video(root / "card" / "clip.mp4")
    write_video(secret / "clip.mp4")
    inode, real = path.stat().st_ino, os.open

    def racing(path, flags, *more, **where):
        if path == "clip.mp4":
            (root / "card").rename(tmp_path / "aside")
            (root / "card").symlink_to(secret)
        return real(path, flags, *more, **where)

    monkeypatch.setattr(os, "open", racing)
    found = look(root, "card/clip.mp4", follow_symlinks=follow)
    assert isinstance(found, Facts)
    assert found.stat.inode == inode
