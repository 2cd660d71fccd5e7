"""Moving and deleting: a file is whole in exactly one place, whatever is cut off when."""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from blake3 import blake3

from ingestd.afterwards import disk, moving, places
from ingestd.afterwards.order import Left, Order
from ingestd.afterwards.work import carry_out
from ingestd.filestat import stat_of
from ingestd.watch.volumes import Volume

CONTENT = bytes(range(256)) * 9000
NAME = "DCIM/100GOPRO/GX010001.MP4"


class PowerCut(BaseException):
    """Ends everything at a point."""


@dataclass
class Place:
    """A watched folder and a directory to move to."""

    root: Path
    done: Path

    @property
    def file(self) -> Path:
        return self.root / NAME

    @property
    def moved(self) -> Path:
        return self.done / NAME

    def order(self, **changes) -> Order:
        plain = Order(
            root=str(self.root),
            relative=NAME,
            stat=stat_of(self.file.stat()),
            content_hash=blake3(CONTENT).hexdigest(),
            exact=False,
            move_to=str(self.done),
            before=None,
            mark="0123456789abcdef",
            stop=threading.Event(),
            watched=(str(self.root),),
        )
        return replace(plain, **changes)

    def whole(self) -> list[Path]:
        """Where the content lies whole under a name that is not one of ours."""
        every = [*self.root.rglob("*"), *self.done.rglob("*")]
        return [one for one in every if one.is_file() and one.read_bytes() == CONTENT]

    def names(self) -> list[str]:
        every = [*self.root.rglob("*"), *self.done.rglob("*")]
        return sorted(one.name for one in every if not one.is_dir())


def placed(root: Path, done: Path) -> Place:
    place = Place(root, done)
    place.file.parent.mkdir(parents=True)
    place.file.write_bytes(CONTENT)
    os.utime(place.file, ns=(10**18, 10**18 + 123456789))
    return place


@pytest.fixture(params=["one file system", "two file systems"])
def place(request, tmp_path: Path):
    if request.param == "one file system":
        yield placed(tmp_path / "drop", tmp_path / "done")
        return
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system: /dev/shm is not one of its own")
    with tempfile.TemporaryDirectory(dir=shm) as other:
        yield placed(tmp_path / "drop", Path(other, "done"))


def test_a_file_is_moved_with_its_relative_path_and_its_times(place: Place):
    result = carry_out(place.order())
    assert (result.left, result.moved_to) == (Left.MOVED, str(place.moved))
    assert place.whole() == [place.moved]
    assert place.moved.stat().st_mtime_ns == 10**18 + 123456789
    assert place.names() == ["GX010001.MP4"]


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(place: Place):
    place.moved.parent.mkdir(parents=True)
    place.moved.write_bytes(b"another card's first clip")
    (place.moved.parent / "GX010001 (2).MP4").symlink_to("/etc/passwd")
    result = carry_out(place.order())
    assert result.moved_to == str(place.moved.parent / "GX010001 (3).MP4")
    assert place.moved.read_bytes() == b"another card's first clip"
    assert len(place.whole()) == 1


def test_what_lies_there_already_byte_for_byte_is_not_stored_twice(place: Place):
    place.moved.parent.mkdir(parents=True)
    place.moved.write_bytes(CONTENT)
    assert carry_out(place.order()).moved_to == str(place.moved)
    assert place.whole() == [place.moved]


def test_another_file_at_the_path_is_not_touched(place: Place):
    order = place.order()
    place.file.write_bytes(CONTENT[::-1])
    assert carry_out(order).left is Left.CHANGED
    assert carry_out(replace(order, move_to=None)).left is Left.CHANGED
    assert place.file.read_bytes() == CONTENT[::-1]


def test_a_file_with_new_times_and_the_same_content_is_still_the_one_that_was_sent(place: Place):
    order = place.order()
    os.utime(place.file)
    assert carry_out(order).left is Left.MOVED


def test_a_file_on_a_disk_inside_the_folder_keeps_its_whole_path(place: Place):
    inner = place.root / "DCIM"
    order = place.order(root=str(inner), relative="100GOPRO/GX010001.MP4", prefix="/DCIM")
    assert carry_out(order).moved_to == str(place.moved)
    assert place.whole() == [place.moved]


def test_a_delete_reads_the_whole_file_first(place: Place):
    order = place.order(move_to=None)
    with place.file.open("r+b") as file:  # same size, same times, one byte in the middle
        file.seek(1_200_000)
        file.write(b"!")
    os.utime(place.file, ns=(10**18, 10**18 + 123456789))
    assert carry_out(order).left is Left.CHANGED
    assert place.file.exists()


def test_a_delete_deletes_and_empty_directories_go_but_never_the_root(place: Place):
    assert carry_out(place.order(move_to=None, prune=True)).left is Left.DELETED
    assert list(place.root.iterdir()) == []


def test_a_directory_with_anything_in_it_stays(place: Place):
    beside = place.root / "DCIM/readme.txt"
    beside.write_text("mine")
    carry_out(place.order(prune=True))
    assert list(place.root.rglob("*")) == [place.root / "DCIM", beside]


def test_a_directory_that_is_to_be_kept_stays(place: Place):
    carry_out(place.order(prune=True, keep=frozenset({str(place.root / "DCIM")})))
    assert list(place.root.rglob("*")) == [place.root / "DCIM"]


def test_without_a_known_hash_nothing_is_deleted(place: Place):
    result = carry_out(place.order(move_to=None, content_hash=None))
    assert result.left is Left.KEPT
    assert place.file.exists()


def test_a_file_behind_a_link_is_left_where_it_is(place: Place):
    order = place.order()
    real = place.root / "real.mp4"
    place.file.rename(real)
    place.file.symlink_to(real)
    assert carry_out(order).left is Left.KEPT
    assert real.read_bytes() == CONTENT


def test_a_file_reached_through_a_linked_directory_is_left_where_it_is(place: Place):
    order = place.order()
    real = place.root / "real"
    place.file.parent.rename(real)
    place.file.parent.symlink_to(real)
    assert carry_out(order).left is Left.KEPT
    assert carry_out(replace(order, move_to=None)).left is Left.KEPT
    assert place.whole() == [real / place.file.name]


def test_a_link_in_the_destination_is_not_followed(place: Place, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.done.mkdir()
    (place.done / "DCIM").symlink_to(elsewhere)
    result = carry_out(place.order())
    assert result.left is Left.TROUBLED
    assert "link" in result.detail
    assert list(elsewhere.iterdir()) == []
    assert place.whole() == [place.file]


def test_a_destination_inside_the_watched_folder_that_became_a_link_gets_nothing(
    place: Place, tmp_path: Path
):
    """Whoever may write there could have everything moved to where it belongs to nobody."""
    elsewhere, inside = tmp_path / "elsewhere", place.root / "done"
    elsewhere.mkdir()
    inside.symlink_to(elsewhere)
    result = carry_out(place.order(move_to=str(inside)))
    assert result.left is Left.TROUBLED
    assert "link" in result.detail
    assert list(elsewhere.iterdir()) == []
    assert place.whole() == [place.file]
    inside.unlink()
    assert carry_out(place.order(move_to=str(inside))).moved_to == str(inside / NAME)


def test_a_destination_that_a_person_named_by_a_link_elsewhere_is_used(place: Place):
    place.done.mkdir()
    link = place.root.parent / "link"
    link.symlink_to(place.done)
    assert carry_out(place.order(move_to=str(link))).left is Left.MOVED
    assert place.moved.read_bytes() == CONTENT


def test_a_destination_that_is_the_folder_itself_by_another_path_loses_nothing(place: Place):
    link = place.root.parent / "link"
    link.symlink_to(place.root)
    for watched in ((), (str(place.root),)):
        assert carry_out(place.order(move_to=str(link), watched=watched)).left is Left.KEPT
    assert place.whole() == [place.file]


def test_a_destination_that_shows_the_same_files_as_others_loses_nothing(place: Place, monkeypatch):
    """A share of this very disk, mounted: other device and inode numbers, the same file."""
    link = place.root.parent / "link"
    link.symlink_to(place.root)
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    monkeypatch.setattr(disk, "give_name", no_rename_across(disk.give_name, place.file.parent))
    assert carry_out(place.order(move_to=str(link), watched=())).left is Left.KEPT
    assert place.whole() == [place.file]


def no_rename_across(real, home: Path):
    def give_name(source, name, target, new):
        if source != target:
            raise disk.CannotRenameError(errno.EXDEV, "another file system")
        real(source, name, target, new)

    return give_name


def test_nothing_is_written_to_another_disk_than_before(place: Place):
    first = carry_out(place.order())
    assert first.volume is not None
    place.file.parent.mkdir(parents=True, exist_ok=True)
    place.file.write_bytes(CONTENT)
    assert carry_out(place.order(volume=first.volume, mark="1")).left is Left.MOVED
    place.file.parent.mkdir(parents=True, exist_ok=True)
    place.file.write_bytes(CONTENT)
    away = Volume("ext4", "/dev/sdx1", uuid="of-the-disk-that-is-away")
    result = carry_out(place.order(volume=away, folder="cams"))
    assert result.left is Left.TROUBLED
    assert "another disk" in result.detail
    assert "ingestd trust cams" in result.detail
    assert place.file.exists()


def test_nothing_is_touched_when_another_file_system_is_mounted_at_the_root(place: Place):
    device = place.root.stat().st_dev
    assert carry_out(place.order(device=device + 1)).left is Left.TROUBLED
    assert place.file.exists()
    assert carry_out(place.order(device=device)).left is Left.MOVED


def test_nothing_is_written_below_a_mount_point_whose_disk_is_away(
    place: Place, tmp_path: Path, monkeypatch
):
    table = tmp_path / "fstab"
    table.write_text(f"# away\nUUID=1 {place.done}  ext4 defaults 0 2\n")
    monkeypatch.setattr(places, "FSTAB", table)
    result = carry_out(place.order())
    assert result.left is Left.TROUBLED
    assert f"mount {place.done}" in result.detail
    assert not place.done.exists()


def test_a_full_disk_leaves_the_file_and_no_half_copy(place: Place, monkeypatch):
    monkeypatch.setattr(disk, "_rename_new", refuse(errno.EXDEV))
    real, written = os.write, []

    def write(fd, data):
        written.append(len(data))
        if sum(written) > 1_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    result = carry_out(place.order())
    assert result.left is Left.TROUBLED
    assert "Make room" in result.detail
    assert place.names() == ["GX010001.MP4"]


def refuse(number: int):
    def call(*_: object, **__: object):
        raise OSError(number, os.strerror(number))

    return call


def test_a_copy_that_reads_differently_is_not_believed(place: Place, monkeypatch):
    monkeypatch.setattr(disk, "_rename_new", refuse(errno.EXDEV))
    real = os.fsync

    def fsync(fd):
        real(fd)
        if os.fstat(fd).st_size == len(CONTENT):
            os.pwrite(fd, b"rot", 5000)

    monkeypatch.setattr(os, "fsync", fsync)
    result = carry_out(place.order())
    assert result.left is Left.TROUBLED
    monkeypatch.undo()
    assert place.whole() == [place.file]
    assert place.names() == ["GX010001.MP4"]


def test_a_stop_in_the_middle_loses_nothing(place: Place, monkeypatch):
    monkeypatch.setattr(disk, "_rename_new", refuse(errno.EXDEV))
    order = place.order()
    order.stop.set()
    assert carry_out(order).left is Left.STOPPED
    assert place.names() == ["GX010001.MP4"]


def test_a_file_put_in_its_place_in_the_last_moment_is_not_removed(place: Place, monkeypatch):
    real, swapped = disk.give_name, []

    def give_name(source, name, target, new):
        if name == place.file.name and not swapped:
            place.file.unlink()
            place.file.write_bytes(b"a new clip")
            swapped.append(name)
        real(source, name, target, new)

    monkeypatch.setattr(disk, "give_name", give_name)
    for move_to in (None, str(place.done)):
        place.file.write_bytes(CONTENT)
        swapped.clear()
        result = carry_out(place.order(move_to=move_to))
        assert result.left is Left.CHANGED
        assert place.file.read_bytes() == b"a new clip"


def test_a_duplicate_that_is_its_original_by_another_path_is_left(place: Place):
    view = place.root / "view"
    view.symlink_to(place.file.parent)  # stands for a bind mount
    original = str(view / place.file.name)
    order = place.order(move_to=None, originals=("/nowhere", original))
    assert carry_out(order).left is Left.KEPT
    os.link(place.file, place.root / "second name.mp4")
    assert carry_out(order).left is Left.DELETED


def test_a_name_of_255_bytes_is_cut_for_its_number(place: Place):
    names = disk.numbered("ü" * 125 + "x.mp4")
    assert next(names) == "ü" * 125 + "x.mp4"
    assert len(os.fsencode(next(names))) <= 255


# --- a crash between any two steps ------------------------------------------------------------

STEPS = ("open", "write", "fsync", "fchmod", "utime", "link", "unlink", "rename", "mkdir", "rmdir")
WAYS = {
    "rename": {},
    "link": {"_rename_new": refuse(errno.EINVAL)},  # NFS
    "neither": {"_rename_new": refuse(errno.EINVAL), "_link_over": None},  # FAT of old kernels
}


def cut_at(monkeypatch, number: int) -> list[str]:
    """Let the power fail before the step of that number; the steps that were begun."""
    steps: list[str] = []

    def counted(name, real):
        def step(*args, **more):
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **more)
            steps.append(name)
            if len(steps) > number:
                raise PowerCut
            return real(*args, **more)

        return step

    for name in STEPS:
        monkeypatch.setattr(os, name, counted(name, getattr(os, name)))
    monkeypatch.setattr(disk, "_rename_new", counted("rename", disk._rename_new))
    return steps


def ways(monkeypatch, way: str) -> None:
    for name, call in WAYS[way].items():
        monkeypatch.setattr(disk, name, call or cannot)


def cannot(*_: object) -> None:
    raise disk.CannotRenameError(errno.EPERM, "no links here")


@pytest.mark.parametrize(
    ("move", "known"),
    [(True, True), (True, False), (False, True)],
    ids=["move what was sent", "move what was judged", "delete"],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_crash_between_any_two_steps_leaves_one_whole_file(
    tmp_path: Path, monkeypatch, way: str, move: bool, known: bool
):
    shm = Path("/dev/shm")
    for number in range(60):
        with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as other:
            place = placed(tmp_path / f"drop{number}", Path(other, "done"))
            digest = blake3(CONTENT).hexdigest() if known else None
            order = place.order(content_hash=digest, before=str(place.done))
            order = order if move else replace(order, move_to=None, before=None)
            with monkeypatch.context() as patch:
                ways(patch, way)
                steps = cut_at(patch, number)
                finished = ended(order)
            if not (finished and not move):
                assert len(place.whole()) >= 1 or (not move and "unlink" in steps)
            with monkeypatch.context() as patch:
                ways(patch, way)
                again = carry_out(order)
            if move:
                assert again.left is Left.MOVED
                assert place.whole() == [Path(again.moved_to)]
                empties = [one for one in place.done.rglob("*") if one.is_file()]
                assert len(empties) <= 1 + (way == "neither")
                assert not [name for name in place.names() if name.endswith(".part")]
            else:
                assert again.left in (Left.DELETED, Left.ABSENT)
                assert place.names() == []
            if finished:
                return
    raise AssertionError("it never finished")


def ended(order: Order) -> bool:
    try:
        carry_out(order)
    except PowerCut:
        return False
    return True


def test_the_kernel_is_asked_to_rename_without_replacing(tmp_path: Path):
    """The call itself, where it is to be had: an existing name is refused by the kernel."""
    if getattr(ctypes.CDLL(None), "renameat2", None) is None:
        pytest.skip("this libc has no renameat2")
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with disk.opened(str(tmp_path), [], make=False) as directory:
        with pytest.raises(FileExistsError):
            disk._rename_new(directory, "a", directory, "b")
        disk._rename_new(directory, "a", directory, "c")
    assert (tmp_path / "b").read_text() == "b"
    assert (tmp_path / "c").read_text() == "a"


def test_a_move_stops_at_the_room_that_is_left(place: Place, monkeypatch):
    monkeypatch.setattr(disk, "_rename_new", refuse(errno.EXDEV))
    monkeypatch.setattr(moving, "SPARE", 1 << 62)
    assert "Make room" in carry_out(place.order()).detail
