"""The file of what was paid: whole lines survive everything, torn ones are told from them."""

from __future__ import annotations

import errno
import os
import shutil
import zlib
from dataclasses import replace

import pytest

from ingestd.mirror import (
    Ended,
    Intent,
    Mirror,
    MirrorAwayError,
    MirrorError,
    MirrorFullError,
    Paid,
    Reading,
    Reserve,
    Result,
    identity,
    read,
)
from ingestd.mirror.facts import line_of

TRY = Intent(
    key="0011223344556677",
    name="Größe~deadbeef.mp4",
    size=3_000_000_000,
    sample="deadbeef" * 4,
    content_hash="ab" * 32,
    scope="unique_id=default",
    watermark=1_780_000_000.125,
    at=1_780_000_123.456,
    account=1,
    path="/drop/odd \udcff name.mp4",
    mtime_ns=1_780_000_000_123_456_789,
    folder="cameras",
    container="mp4",
    codec="h264",
    duration_s=12.5,
)
PAID = Result(TRY.key, "VI568102998803353600", 1_780_000_200.0)
HAD = Paid(
    video_no="VI2",
    name="b~00000000.mov",
    size=None,
    sample=None,
    scope="unique_id=x",
    content_hash=None,
    at=1.0,
    account=2,
    path="/b.mov",
    mtime_ns=0,
    folder=None,
    duration_s=None,
)
FACTS = [TRY, PAID, replace(TRY, key="8", watermark=None), Ended("8", "refused", 3.0), HAD]


def filled(place, facts=FACTS):
    mirror = Mirror.create(place)
    for fact in facts:
        mirror.append(fact)
    return mirror


def test_what_was_written_is_read_back_odd_names_included(tmp_path):
    mirror = filled(tmp_path)
    assert list(read(mirror.path)) == FACTS
    assert mirror.path.stat().st_mode & 0o777 == 0o600
    assert identity(tmp_path) == mirror.identity


def test_a_line_torn_at_any_byte_is_no_fact_and_spoils_none_that_follows(tmp_path):
    filled(tmp_path, FACTS[:2]).close()
    path = tmp_path / "paid.log"
    whole, last = path.read_bytes(), line_of(FACTS[1])
    for cut in range(1, len(last) + 1):
        path.write_bytes(whole[:-cut])
        assert list(read(path)) == FACTS[:1], cut
        mirror = Mirror.open(tmp_path)
        mirror.append(HAD)
        mirror.close()
        found = Reading(path)
        only_newline_lost = [FACTS[1]] if cut == 1 else []  # then all that it says was written
        assert [line.fact for line in found] == [FACTS[0], *only_newline_lost, HAD], cut
        assert found.end == path.stat().st_size
    path.write_bytes(whole)
    assert list(read(path)) == FACTS[:2]


def test_a_damaged_line_is_counted_and_hides_no_other(tmp_path):
    path = filled(tmp_path).path
    data = bytearray(path.read_bytes())
    at = data.index(b"deadbeef.mp4")
    for flipped in (at, at + 3):
        spoiled = bytearray(data)
        spoiled[flipped] ^= 1
        path.write_bytes(spoiled)
        found = Reading(path)
        assert [line.fact for line in found] == FACTS[1:]
        assert found.damaged == 1


def test_reading_goes_on_where_it_stopped(tmp_path):
    mirror = filled(tmp_path, FACTS[:2])
    first = Reading(mirror.path)
    assert len(list(first)) == 2
    mirror.append(HAD)
    assert [line.fact for line in Reading(mirror.path, first.end)] == [HAD]


def test_what_a_later_release_adds_is_passed_over(tmp_path):
    mirror = filled(tmp_path, FACTS[:1])
    for text in (b'["skip","x",1]', b'["end","k","refused",1.5,"more"]', b'["end","k"]', b"{}"):
        with mirror.path.open("ab") as file:
            file.write(b"%08x %s\n" % (zlib.crc32(text), text))
    assert list(read(mirror.path)) == [TRY, Ended("k", "refused", 1.5)]


class Disk:
    """What a power cut would leave: all that was made durable, and any part of the rest."""

    def __init__(self):
        self.safe: dict[int, int] = {}
        self.fails: OSError | None = None

    def sync(self, fd: int) -> None:
        if self.fails:
            raise self.fails
        os.fsync(fd)
        self.safe[os.fstat(fd).st_ino] = os.fstat(fd).st_size


def test_a_power_cut_takes_nothing_that_append_returned_for(tmp_path):
    disk = Disk()
    mirror = Mirror.create(tmp_path, sync=disk.sync)
    returned = []
    for fact in FACTS:
        safe = disk.safe[mirror.path.stat().st_ino]
        mirror.append(fact)
        data = mirror.path.read_bytes()
        for left in range(safe, len(data) + 1):  # the write reached the disk up to here
            place = tmp_path / "after"
            place.mkdir()
            (place / "paid.log").write_bytes(data[:left])
            kept = list(read(place / "paid.log"))
            assert kept in (returned, [*returned, fact])
            again = Mirror.open(place, mirror.identity)
            again.append(HAD)
            again.close()
            assert list(read(place / "paid.log"))[-1] == HAD
            shutil.rmtree(place)
        returned.append(fact)


def test_a_power_cut_while_it_is_made_leaves_a_whole_one_or_none(tmp_path):
    class CutError(Exception):
        pass

    for cut in range(2):
        calls = []

        def sync(fd, cut=cut, calls=calls):
            calls.append(fd)
            if len(calls) > cut:
                raise CutError

        with pytest.raises(CutError):
            Mirror.create(tmp_path, sync=sync)
    assert identity(tmp_path) is not None  # renamed, the directory not yet durable
    (tmp_path / "paid.log").unlink()
    (tmp_path / "paid.log.new").write_bytes(b"0123")  # what the first cut could leave
    assert identity(tmp_path) is None
    Mirror.create(tmp_path).close()
    assert list(read(tmp_path / "paid.log")) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_and_what_comes_after_is_whole(tmp_path, number):
    disk = Disk()
    mirror = Mirror.create(tmp_path, sync=disk.sync)
    disk.fails = OSError(number, os.strerror(number))
    with pytest.raises(MirrorFullError, match="is full"):
        mirror.append(TRY)
    disk.fails = None
    mirror.append(PAID)
    assert list(read(mirror.path))[-1] == PAID


def test_another_failure_of_the_disk_is_told_with_what_to_do(tmp_path):
    disk = Disk()
    mirror = Mirror.create(tmp_path, sync=disk.sync)
    disk.fails = OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(MirrorError, match="Look at that disk"):
        mirror.append(TRY)


def test_only_the_same_file_is_taken_for_it_again(tmp_path):
    mirror = filled(tmp_path)
    mirror.close()
    Mirror.open(tmp_path, mirror.identity).close()
    with pytest.raises(MirrorAwayError, match="another one"):
        Mirror.open(tmp_path, "0" * 16)
    with pytest.raises(MirrorAwayError, match="Is its disk mounted"):
        Mirror.open(tmp_path / "nowhere", mirror.identity)
    with pytest.raises(MirrorError, match="cannot be used"):
        Mirror.create(tmp_path)
    assert list(read(mirror.path)) == FACTS


def test_no_parents_are_made_where_a_disk_may_be_missing(tmp_path):
    with pytest.raises(MirrorError):
        Mirror.create(tmp_path / "mnt" / "backup")
    assert not (tmp_path / "mnt").exists()


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_no_line_goes_into_a_file_that_is_no_longer_there(tmp_path, how):
    mirror = filled(tmp_path)
    mirror.path.rename(tmp_path / "aside")
    if how == "replaced":
        shutil.copy(tmp_path / "aside", mirror.path)
    with pytest.raises(MirrorAwayError):
        mirror.append(PAID)
    assert list(read(tmp_path / "aside")) == FACTS


def test_two_never_write_to_one(tmp_path):
    first = filled(tmp_path)
    with pytest.raises(MirrorError, match="mirror_dir of its own"):
        Mirror.open(tmp_path)
    first.close()
    Mirror.open(tmp_path).close()


def test_what_is_no_mirror_is_left_as_it_is(tmp_path):
    (tmp_path / "paid.log").write_text("my notes\n")
    with pytest.raises(MirrorError, match="left as it is"):
        Mirror.open(tmp_path)
    with pytest.raises(MirrorError, match="left as it is"):
        identity(tmp_path)
    assert (tmp_path / "paid.log").read_text() == "my notes\n"


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "paid.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MirrorError):
        Mirror.open(tmp_path)


def test_many_facts_are_written_at_once(tmp_path):
    mirror = Mirror.create(tmp_path)
    mirror.append_all(FACTS * 100)
    assert list(read(mirror.path)) == FACTS * 100


def test_the_reserve_holds_real_blocks_and_gives_them_back(tmp_path):
    reserve = Reserve(tmp_path, 1 << 16)
    assert reserve.make()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 16
    assert reserve.make(), "one that is there already stays"
    assert reserve.release()
    assert not (tmp_path / "reserve").exists()
    assert not reserve.release()
    assert not Reserve(tmp_path / "nowhere").make()
