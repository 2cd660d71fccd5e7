"""The scan against real directories: what it lists, what it skips, what it never concludes."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestd.watch import look as look_module
from ingestd.watch.entries import VANISHED, EntryKind, RootState
from ingestd.watch.names import Ignored, NameRules, Ours, Refused
from ingestd.watch.scan import Scanner

NAMES = NameRules(
    extensions=frozenset({".mp4", ".mov"}),
    refused_extensions=frozenset({".mxf"}),
    exclude=("old/",),
)
LATER = 1000.0  # seconds after the files were made: their directories do not count as fresh


def in_a_while():
    return time.time() + LATER


def scanner(root, **kwargs):
    kwargs.setdefault("trust_mtimes", True)
    kwargs.setdefault("wall", in_a_while)
    return Scanner(os.fspath(root), kwargs.pop("names", NAMES), **kwargs)


class Seen:
    """What one pass over a folder saw, in an easier shape."""

    def __init__(self, scan, *, full=False, stop=None, below=None):
        found = scan.scan(full=full, stop=stop or threading.Event(), below=below)
        self.listings = list(found)
        self.report = found.report
        entries = [entry for listing in self.listings for entry in listing.entries]
        self.by_name = {entry.path[len(scan.root) + 1 :]: entry for entry in entries}
        assert len(self.by_name) == len(entries), "a file was listed twice"

    @property
    def names(self):
        return sorted(self.by_name)

    @property
    def directories(self):
        return sorted({listing.directory for listing in self.listings})


def make(root, *paths, data=b"x"):
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def touch_later(path, seconds=5):
    """Give a directory another mtime, as a change some seconds later does."""
    now = path.stat().st_mtime
    os.utime(path, (now + seconds, now + seconds))


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked


@contextmanager
def somebody_else():
    """Act as a user that may not read everything, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """A folder that every user may search, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="ingestd-scan-"))
    folder.chmod(0o755)
    yield folder
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def quick_folder():
    """A folder in memory, where there is one: many files are made at once there."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="ingestd-scan-", dir=memory if memory.is_dir() else None)
    yield Path(folder)
    shutil.rmtree(folder)


# --- what is listed ------------------------------------------------------------------------------


def test_videos_are_found_with_their_stat_and_the_rest_is_counted(tmp_path):
    make(tmp_path, "a.mp4", "card/DCIM/b.MOV", "card/DCIM/b.xml", "card/notes.txt", "README")
    make(tmp_path, "card/._b.MOV", "@eaDir/c.mp4", "old/d.mp4")
    seen = Seen(scanner(tmp_path))
    assert seen.names == ["a.mp4", "card/DCIM/b.MOV"]
    entry, status = seen.by_name["card/DCIM/b.MOV"], (tmp_path / "card/DCIM/b.MOV").stat()
    assert (entry.kind, entry.error, entry.refused_extension) == (EntryKind.FILE, None, False)
    assert (entry.stat.size, entry.stat.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert (entry.stat.dev, entry.stat.inode) == (status.st_dev, status.st_ino)
    report = seen.report
    assert report.ignored_by == {".xml": 1, ".txt": 1, "no extension": 1, "junk": 2, "excluded": 1}
    assert (report.ok, report.complete, report.files_seen, report.directories) == (True, True, 2, 3)
    assert report.root_id == (tmp_path.stat().st_dev, tmp_path.stat().st_ino)


def test_a_refused_extension_is_listed_as_such(tmp_path):
    make(tmp_path, "A001.MXF")
    assert Seen(scanner(tmp_path)).by_name["A001.MXF"].refused_extension


def test_a_directory_without_videos_is_listed_empty(tmp_path):
    make(tmp_path, "card/notes.txt")
    listings = {item.directory: item for item in Seen(scanner(tmp_path)).listings}
    assert listings[str(tmp_path / "card")].entries == ()
    assert listings[str(tmp_path / "card")].last


def test_only_videos_are_looked_at(tmp_path, monkeypatch):
    make(tmp_path, *(f"{n}.xml" for n in range(50)), "a.mp4", "b.mp4")
    looked = []
    real = os.stat

    def counting(path, **kwargs):
        looked.append(path)
        return real(path, **kwargs)

    monkeypatch.setattr(look_module.os, "stat", counting)
    Seen(scanner(tmp_path))
    monkeypatch.undo()
    assert sorted(name for name in looked if isinstance(name, str)) == ["a.mp4", "b.mp4"]


def test_many_videos_come_in_pieces_and_only_the_last_one_says_so(quick_folder):
    for number in range(2500):
        (quick_folder / f"{number}.mp4").touch()
    listings = Seen(scanner(quick_folder)).listings
    assert [len(item.entries) for item in listings] == [1000, 1000, 500]
    assert [item.last for item in listings] == [False, False, True]


ODD_NAMES = [
    b"\xff\xfe.mp4",
    b"new\nline.mp4",
    b"tab\tand\x01control.mp4",
    b"x" * 251 + b".mp4",
    "é".encode() * 125 + b"x.mp4",
    "🎬 ünïcode.mp4".encode(),
    b" leading and trailing .mp4",
    b"-rf.mp4",
    b"*?[x].mp4",
    b"back\\slash.mp4",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_any_bytes_can_be_a_name(tmp_path, name):
    folder = os.fsencode(tmp_path) + b"/dir" + name[:-4]
    folder = folder[: len(os.fsencode(tmp_path)) + 256]
    os.mkdir(folder)  # noqa: PTH102 - names of any bytes
    with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123 - names of any bytes
        file.write(b"12345")
    (entry,) = Seen(scanner(tmp_path)).by_name.values()
    assert os.fsencode(entry.path) == folder + b"/" + name
    assert entry.stat.size == 5
    assert scanner(tmp_path).look([entry.path]) == [entry]


def test_case_twins_hard_links_and_both_spellings_of_an_umlaut_are_different_names(tmp_path):
    make(tmp_path, "a.mp4", "A.mp4", "u\u0308.mp4", "\u00fc.mp4")
    os.link(tmp_path / "a.mp4", tmp_path / "link.mp4")
    seen = Seen(scanner(tmp_path))
    assert len(seen.names) == 5
    assert seen.by_name["a.mp4"].stat == seen.by_name["link.mp4"].stat


def test_a_sparse_file_has_its_full_size(tmp_path):
    with (tmp_path / "a.mp4").open("wb") as file:
        file.truncate(5 * 10**9)
    assert Seen(scanner(tmp_path)).by_name["a.mp4"].stat.size == 5 * 10**9


def test_a_directory_with_a_videos_name_is_a_directory(tmp_path):
    make(tmp_path, "take.mp4/inner.mp4", "take.xml/other.mp4")
    assert Seen(scanner(tmp_path)).names == ["take.mp4/inner.mp4", "take.xml/other.mp4"]


def test_what_is_no_ordinary_file_is_named_and_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.mp4"))
        seen = Seen(scanner(tmp_path, trust_attributes=False))
    assert {name: entry.kind for name, entry in seen.by_name.items()} == {
        "pipe.mp4": EntryKind.OTHER,
        "socket.mp4": EntryKind.OTHER,
    }


def test_without_recursive_only_the_folder_itself_is_listed(tmp_path):
    make(tmp_path, "a.mp4", "card/b.mp4", "@eaDir/c.mp4")
    seen = Seen(scanner(tmp_path, recursive=False))
    assert seen.names == ["a.mp4"]
    assert seen.report.ignored_by == {}


def test_deeper_folders_are_left_to_their_own_scans(tmp_path):
    make(tmp_path, "a.mp4", "inner/b.mp4", "inner.not/c.mp4", "x/inner/d.mp4")
    outer = scanner(tmp_path, inner_roots=frozenset({f"{tmp_path}/inner", "/elsewhere"}))
    assert Seen(outer).names == ["a.mp4", "inner.not/c.mp4", "x/inner/d.mp4"]
    assert outer.verdict(f"{tmp_path}/inner/b.mp4") is None


# --- links ---------------------------------------------------------------------------------------


@pytest.fixture
def linked(tmp_path):
    """A folder with links into itself, out of it, in circles and to nowhere."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    make(root, "real/a.mp4")
    make(outside, "secret.mp4")
    (root / "dir-out").symlink_to(outside)
    (root / "dir-in").symlink_to("real")
    (root / "real" / "circle").symlink_to("..")
    (root / "out.mp4").symlink_to(outside / "secret.mp4")
    (root / "dangling.mp4").symlink_to("nowhere")
    (root / "loop.mp4").symlink_to("loop.mp4")
    (root / "loop").symlink_to("loop")
    return root


def test_links_are_not_followed(linked):
    seen = Seen(scanner(linked))
    assert seen.names == ["dangling.mp4", "loop.mp4", "out.mp4", "real/a.mp4"]
    kinds = {name: entry.kind for name, entry in seen.by_name.items()}
    assert kinds.pop("real/a.mp4") is EntryKind.FILE
    assert set(kinds.values()) == {EntryKind.SYMLINK}
    assert seen.by_name["out.mp4"].stat.inode == (linked / "out.mp4").lstat().st_ino


def test_links_are_followed_when_asked_each_directory_once(linked):
    seen = Seen(scanner(linked, follow_symlinks=True))
    assert seen.names == ["dangling.mp4", "dir-out/secret.mp4", "loop.mp4", "out.mp4", "real/a.mp4"]
    assert seen.by_name["out.mp4"].kind is EntryKind.FILE
    assert seen.by_name["dangling.mp4"].kind is EntryKind.SYMLINK
    assert seen.by_name["loop.mp4"].kind is EntryKind.SYMLINK
    assert (seen.report.complete, seen.report.troubles) == (True, ())


def test_changes_behind_a_followed_link_are_found_at_the_next_pass(linked):
    follower = scanner(linked, follow_symlinks=True)
    Seen(follower)
    make(linked.parent / "outside", "new.mp4")
    touch_later(linked.parent / "outside")
    assert "dir-out/new.mp4" in Seen(follower).names


def test_a_directory_that_becomes_a_link_during_the_scan_is_not_followed(linked):
    walk = scanner(linked).scan(full=False, stop=threading.Event())
    listings = iter(walk)
    first = next(listings)
    assert first.directory == str(linked)
    shutil.rmtree(linked / "real")
    (linked / "real").symlink_to(linked.parent / "outside")
    assert [entry.path for listing in listings for entry in listing.entries] == []
    assert walk.report.complete


def test_a_known_directory_that_becomes_a_link_is_not_followed(linked):
    known = scanner(linked)
    Seen(known)
    shutil.rmtree(linked / "real")
    (linked / "real").symlink_to(linked.parent / "outside")
    assert Seen(known, full=True).names == ["dangling.mp4", "loop.mp4", "out.mp4"]
    assert Seen(known).names == []


def test_the_root_itself_may_be_a_link(linked):
    link = linked.parent / "link"
    link.symlink_to(linked / "real")
    seen = Seen(scanner(link))
    assert seen.by_name["a.mp4"].path == f"{link}/a.mp4"


# --- skipping what did not change ----------------------------------------------------------------


def test_an_unchanged_tree_is_not_listed_again_and_still_counted(tmp_path):
    make(tmp_path, "a.mp4", "card/b.mp4", "card/sub/c.xml", "@eaDir/x")
    known = scanner(tmp_path)
    first, second = Seen(known), Seen(known)
    assert second.listings == []
    assert second.report.skipped_directories == second.report.directories == 3
    assert second.report.ignored_by == first.report.ignored_by == {".xml": 1, "junk": 1}
    assert second.report.files_seen == first.report.files_seen == 2
    assert second.report.complete


def test_below_unchanged_directories_changed_ones_are_listed(tmp_path):
    make(tmp_path, "card/sub/deep/a.mp4", "card/other/b.mp4")
    known = scanner(tmp_path)
    Seen(known)
    make(tmp_path, "card/sub/deep/new.mp4")
    touch_later(tmp_path / "card/sub/deep")
    seen = Seen(known)
    assert seen.directories == [str(tmp_path / "card/sub/deep")]
    assert seen.names == ["card/sub/deep/a.mp4", "card/sub/deep/new.mp4"]


def test_a_new_directory_in_a_known_leaf_is_found(tmp_path):
    make(tmp_path, "card/a.mp4")
    known = scanner(tmp_path)
    Seen(known)
    make(tmp_path, "card/new/deep/b.mp4")
    touch_later(tmp_path / "card")
    assert "card/new/deep/b.mp4" in Seen(known).names


def test_a_directory_that_changed_just_now_counts_as_changed(tmp_path):
    make(tmp_path, "a.mp4")
    known = scanner(tmp_path, wall=time.time)
    Seen(known)
    assert Seen(known).names == ["a.mp4"]


def test_a_directory_from_the_future_counts_as_changed(tmp_path):
    make(tmp_path, "a.mp4")
    os.utime(tmp_path, (time.time() + 10 * LATER,) * 2)
    known = scanner(tmp_path)
    Seen(known)
    assert Seen(known).names == ["a.mp4"]


def test_an_old_mtime_is_a_change_as_well(tmp_path):
    make(tmp_path, "card/a.mp4")
    known = scanner(tmp_path)
    Seen(known)
    make(tmp_path, "card/b.mp4")
    os.utime(tmp_path / "card", (1, 1))
    assert Seen(known).names == ["card/a.mp4", "card/b.mp4"]


def test_another_directory_of_the_same_name_and_mtime_is_listed(tmp_path):
    make(tmp_path, "card/a.mp4")
    known = scanner(tmp_path)
    Seen(known)
    status, parent = (tmp_path / "card").stat(), tmp_path.stat()
    (tmp_path / "card").rename(tmp_path.parent / "away")
    make(tmp_path, "card/b.mp4")
    os.utime(tmp_path / "card", ns=(status.st_mtime_ns, status.st_mtime_ns))
    os.utime(tmp_path, ns=(parent.st_mtime_ns, parent.st_mtime_ns))
    assert Seen(known).names == ["card/b.mp4"]


def test_a_rewrite_in_place_shows_in_a_full_pass(tmp_path):
    make(tmp_path, "card/a.mp4")
    known = scanner(tmp_path)
    Seen(known)
    make(tmp_path, "card/a.mp4", data=b"rewritten")
    assert Seen(known).names == []
    assert Seen(known, full=True).by_name["card/a.mp4"].stat.size == 9


@pytest.mark.parametrize("trust", [True, False])
def test_mtimes_count_only_where_they_can_be_trusted(tmp_path, trust):
    make(tmp_path, "a.mp4")
    known = scanner(tmp_path, trust_mtimes=trust)
    Seen(known)
    assert Seen(known).names == ([] if trust else ["a.mp4"])


def test_after_distrust_everything_is_listed(tmp_path):
    make(tmp_path, "a.mp4")
    known = scanner(tmp_path)
    Seen(known)
    known.distrust()
    assert Seen(known).names == ["a.mp4"]


def test_distrust_during_a_pass_holds_for_what_that_pass_listed_too(tmp_path):
    make(tmp_path, "a.mp4", "card/b.mp4")
    known = scanner(tmp_path)
    for _ in known.scan(stop=threading.Event()):
        known.distrust()
    assert Seen(known).names == ["a.mp4", "card/b.mp4"]


def test_a_directory_whose_listing_was_not_taken_is_listed_again(tmp_path):
    make(tmp_path, "a.mp4", "card/b.mp4")
    known = scanner(tmp_path)
    walk = known.scan(stop=threading.Event())
    next(iter(walk))  # and then the caller breaks
    assert not walk.report.complete
    assert Seen(known).names == ["a.mp4", "card/b.mp4"]


def test_a_stopped_pass_is_incomplete_and_goes_on_from_what_it_knows(tmp_path):
    make(tmp_path, "a.mp4", "one/b.mp4", "two/c.mp4")
    known, stop, names = scanner(tmp_path), threading.Event(), []
    walk = known.scan(stop=stop)
    for listing in walk:
        names += [entry.path for entry in listing.entries]
        stop.set()
    assert (walk.report.complete, len(names)) == (False, 1)
    rest = Seen(known)
    assert rest.report.complete
    assert len(rest.names) == 2


def test_a_subtree_can_be_scanned_alone(tmp_path):
    make(tmp_path, "a.mp4", "card/b.mp4", "card/sub/c.mp4")
    known = scanner(tmp_path)
    seen = Seen(known, below=str(tmp_path / "card"))
    assert seen.names == ["card/b.mp4", "card/sub/c.mp4"]
    assert Seen(known).names == ["a.mp4"]  # and what it learned is known
    with pytest.raises(ValueError, match="is not in"):
        known.scan(stop=threading.Event(), below="/elsewhere")


# --- roots and directories that cannot be read ---------------------------------------------------


def test_a_missing_root_is_no_empty_folder(tmp_path):
    root = tmp_path / "drop"
    make(root, "a.mp4")
    known = scanner(root)
    Seen(known)
    shutil.rmtree(root)
    report = Seen(known).report
    assert (report.state, report.ok, report.complete) == (RootState.MISSING, False, False)
    assert report.detail == (
        f"{root} does not exist: create it, or mount it."
        " Nothing is lost; ingestd goes on by itself when it is there."
    )


def test_a_root_that_is_back_is_listed_in_full(tmp_path):
    root = tmp_path / "drop"
    make(root, "a.mp4")
    known = scanner(root)
    Seen(known)
    root.rename(tmp_path / "away")
    assert not Seen(known).report.ok
    (tmp_path / "away").rename(root)
    assert Seen(known).names == ["a.mp4"]


def test_a_file_in_the_place_of_the_root_is_told(tmp_path):
    make(tmp_path, "drop")
    report = Seen(scanner(tmp_path / "drop")).report
    assert report.state is RootState.MISSING
    assert "is not a folder" in report.detail


def test_a_root_that_is_replaced_during_the_pass_proves_nothing(tmp_path):
    root = tmp_path / "drop"
    make(root, "a.mp4", "card/b.mp4")
    known = scanner(root)
    walk = known.scan(stop=threading.Event())
    for _ in walk:
        if root.exists() and not (tmp_path / "away").exists():
            root.rename(tmp_path / "away")
            root.mkdir()
    assert (walk.report.state, walk.report.complete) == (RootState.MISSING, False)
    assert Seen(known).report.ok


def test_a_root_without_permission_is_unreadable(open_folder):
    make(open_folder, "drop/a.mp4")
    (open_folder / "drop").chmod(0)
    with somebody_else():
        report = Seen(scanner(open_folder / "drop")).report
    assert report.state is RootState.UNREADABLE
    assert "grant user id" in report.detail


def test_a_directory_without_permission_is_a_trouble_and_the_rest_is_listed(open_folder):
    make(open_folder, "a.mp4", "locked/b.mp4", "other/c.mp4")
    (open_folder / "locked").chmod(0)
    with somebody_else():
        known = scanner(open_folder)
        seen = Seen(known)
        again = Seen(known)
    assert seen.names == ["a.mp4", "other/c.mp4"]
    assert (seen.report.ok, seen.report.complete) == (True, True)
    (trouble,) = seen.report.troubles
    assert (trouble.path, trouble.error) == (str(open_folder / "locked"), "permission denied")
    assert str(open_folder / "locked") not in seen.directories
    assert again.report.troubles == seen.report.troubles  # told in each pass
    (open_folder / "locked").chmod(0o755)
    assert Seen(known).names == ["locked/b.mp4"]


def test_a_file_that_may_not_be_stat_ed_is_an_error_and_not_absent(open_folder):
    make(open_folder, "listed/b.mp4")
    (open_folder / "listed").chmod(0o444)  # names, and nothing behind them
    with somebody_else():
        entry = Seen(scanner(open_folder)).by_name["listed/b.mp4"]
    assert (entry.stat, entry.error) == (None, "permission denied")


def test_on_a_network_file_system_a_file_is_opened_before_it_is_believed(open_folder):
    make(open_folder, "a.mp4", "locked.mp4")
    (open_folder / "locked.mp4").chmod(0)
    with somebody_else():
        trusting = Seen(scanner(open_folder))
        careful = Seen(scanner(open_folder, trust_attributes=False))
    assert trusting.by_name["locked.mp4"].stat is not None
    assert careful.by_name["locked.mp4"].stat is None
    assert careful.by_name["locked.mp4"].error == "permission denied"
    assert careful.by_name["a.mp4"] == trusting.by_name["a.mp4"]


def test_a_directory_that_vanishes_during_the_pass_is_no_trouble(tmp_path):
    make(tmp_path, "card/a.mp4")
    walk = scanner(tmp_path).scan(stop=threading.Event())
    for _ in walk:
        shutil.rmtree(tmp_path / "card", ignore_errors=True)
    assert (walk.report.complete, walk.report.troubles) == (True, ())


def in_mount_namespace(code, *arguments):
    """Run Python where mounts are its own; skip where that is not possible."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root and unshare(1) for a mount namespace of its own")
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c"]
    done = subprocess.run(
        [*command, textwrap.dedent(code), *map(os.fspath, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr.decode()


def test_an_unmounted_share_is_noticed_and_its_return_too(tmp_path):
    in_mount_namespace(
        """
        import subprocess, sys, threading
        from pathlib import Path
        from test_watch_scan import Seen, make, scanner
        root = Path(sys.argv[1])
        mount = ["mount", "-t", "tmpfs", "share", str(root)]
        subprocess.run(mount, check=True)
        make(root, "a.mp4", "card/b.mp4")
        known = scanner(root)
        assert Seen(known).names == ["a.mp4", "card/b.mp4"]
        walk = known.scan(full=True, stop=threading.Event())
        for listing in walk:
            subprocess.run(["umount", "--lazy", str(root)])
        assert not walk.report.ok and not walk.report.complete, walk.report
        empty = Seen(known)
        assert empty.report.ok and empty.names == []
        assert empty.report.root_id != walk.report.root_id
        """,
        tmp_path,
    )


def test_a_file_system_mounted_inside_the_folder_is_named(tmp_path):
    make(tmp_path, "a.mp4")
    (tmp_path / "inner").mkdir()
    in_mount_namespace(
        """
        import subprocess, sys
        from pathlib import Path
        from test_watch_scan import Seen, make, scanner
        root = Path(sys.argv[1])
        subprocess.run(["mount", "-t", "tmpfs", "share", str(root / "inner")], check=True)
        make(root, "inner/b.mp4", "inner/deep/c.mp4")
        known = scanner(root)
        seen = Seen(known)
        assert seen.names == ["a.mp4", "inner/b.mp4", "inner/deep/c.mp4"]
        assert seen.report.other_devices == (str(root / "inner"),)
        again = Seen(known)  # its mtimes are not this file system's: not trusted
        assert again.names == ["inner/b.mp4", "inner/deep/c.mp4"]
        """,
        tmp_path,
    )


# --- size ----------------------------------------------------------------------------------------


def test_twenty_thousand_files_are_scanned_and_rescanned(quick_folder):
    for card in range(20):
        folder = quick_folder / f"card{card}"
        folder.mkdir()
        for number in range(1000):
            extension = "mp4" if number % 100 == 0 else "xml"
            os.close(os.open(folder / f"{number}.{extension}", os.O_CREAT | os.O_WRONLY))
    known = scanner(quick_folder)
    first, second = Seen(known), Seen(known)
    assert len(first.names) == 200
    assert first.report.ignored_by == second.report.ignored_by == {".xml": 19_800}
    assert (second.listings, second.report.skipped_directories) == ([], 21)


@pytest.fixture
def deep(quick_folder):
    """A folder with 1000 directories in each other: a path far beyond PATH_MAX."""
    fd = os.open(quick_folder, os.O_RDONLY)
    for depth in range(1000):
        for name in ("side", "down-the-tree"):
            os.mkdir(name, dir_fd=fd)
        if depth % 100 == 99:
            os.close(os.open("side/a.mp4", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        below = os.open("down-the-tree", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("bottom.mp4", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    yield quick_folder
    subprocess.run(["rm", "-rf", str(quick_folder / "down-the-tree")], check=True)


def test_a_very_deep_tree_needs_few_descriptors(deep):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    known, before = scanner(deep), open_descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 45, hard))
    try:
        first, second = Seen(known), Seen(known)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(first.names) == 11
    assert first.names[0].count("/") == 1000
    assert (first.report.troubles, first.report.directories) == ((), 2001)
    assert (second.listings, second.report.skipped_directories) == ([], 2001)
    assert open_descriptors() == before


def test_no_descriptor_is_left_open_by_a_pass_that_was_left(tmp_path):
    make(tmp_path, "a/b/c/d.mp4", "a/e.mp4")
    before = open_descriptors()
    listings = iter(scanner(tmp_path).scan(stop=threading.Event()))
    next(listings)
    next(listings)
    listings.close()
    scanner(tmp_path).look([f"{tmp_path}/a/b/c/d.mp4", f"{tmp_path}/nowhere/x.mp4"])
    assert open_descriptors() == before


# --- looking at single paths ---------------------------------------------------------------------


def test_a_look_says_what_a_scan_says(tmp_path):
    make(tmp_path, "a.mp4", "card/b.mxf")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    known = scanner(tmp_path)
    seen = Seen(known).by_name
    paths = [str(tmp_path / name) for name in ("pipe.mp4", "card/b.mxf", "a.mp4", "link.mp4")]
    assert known.look(paths) == [seen[path[len(str(tmp_path)) + 1 :]] for path in paths]


def test_a_look_leaves_out_what_is_not_ours(tmp_path):
    make(tmp_path, "a.xml", "._a.mp4", "@eaDir/b.mp4", "old/c.mp4", "inner/d.mp4")
    known = scanner(tmp_path, inner_roots=frozenset({f"{tmp_path}/inner"}))
    names = ["a.xml", "._a.mp4", "@eaDir/b.mp4", "@eaDir", "old/c.mp4", "old", "inner/d.mp4", ""]
    paths = [*(f"{tmp_path}/{name}".rstrip("/") for name in names), "/etc/hostname", "relative.mp4"]
    assert known.look(paths) == []


def test_a_look_at_a_directory_says_so(tmp_path):
    make(tmp_path, "card.new/a.mp4")
    (entry,) = scanner(tmp_path).look([f"{tmp_path}/card.new"])
    assert (entry.kind, entry.error) == (EntryKind.DIRECTORY, None)


@pytest.mark.parametrize("name", ["gone.mp4", "gone/a.mp4", "gone", "file.mp4/a.mp4"])
def test_what_is_not_there_has_vanished(tmp_path, name):
    make(tmp_path, "file.mp4")
    (entry,) = scanner(tmp_path).look([f"{tmp_path}/{name}"])
    assert (entry.stat, entry.error) == (None, VANISHED)


def test_nothing_has_vanished_from_a_folder_that_is_not_there(tmp_path):
    (entry,) = scanner(tmp_path / "drop").look([f"{tmp_path}/drop/a.mp4", f"{tmp_path}/drop/x.txt"])
    assert entry.path == f"{tmp_path}/drop/a.mp4"
    assert entry.stat is None
    assert entry.error != VANISHED
    assert "does not exist" in entry.error


def test_a_look_through_a_link_sees_nothing_unless_links_are_followed(linked):
    path = f"{linked}/dir-out/secret.mp4"
    (closed,) = scanner(linked).look([path])
    (followed,) = scanner(linked, follow_symlinks=True).look([path])
    assert (closed.stat, closed.error) == (None, VANISHED)
    assert followed.kind is EntryKind.FILE


@pytest.mark.parametrize(
    "path", ["{root}/../outside/secret.mp4", "{root}/real/../../outside/x.mp4"]
)
def test_a_path_with_dots_in_it_is_not_looked_at(linked, path):
    assert scanner(linked).look([path.format(root=linked)]) == []


def test_a_look_without_permission_is_an_error_and_not_vanished(open_folder):
    make(open_folder, "locked/a.mp4")
    (open_folder / "locked").chmod(0)
    with somebody_else():
        (entry,) = scanner(open_folder).look([f"{open_folder}/locked/a.mp4"])
    assert (entry.stat, entry.error) == (None, "permission denied")


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("card/a.mp4", Ours),
        ("card/a.mxf", Refused),
        ("@eaDir/a.mp4", Ignored),
        ("old/deep/a.mp4", Ignored),
        ("a.xml", Ignored),
        ("", type(None)),
        ("../a.mp4", type(None)),
    ],
)
def test_any_path_can_be_explained(path, verdict):
    said = scanner("/srv/drop").verdict(f"/srv/drop/{path}".rstrip("/"))
    assert isinstance(said, verdict)


def test_the_file_system_root_can_be_a_folder():
    assert isinstance(scanner("/").verdict("/srv/a.mp4"), Ours)
    assert scanner("/").root == "/"


def test_below_a_folder_that_is_not_recursive_nothing_is_ours():
    flat = scanner("/srv/drop", recursive=False)
    assert flat.verdict("/srv/drop/card/a.mp4") is None
    assert isinstance(flat.verdict("/srv/drop/a.mp4"), Ours)
