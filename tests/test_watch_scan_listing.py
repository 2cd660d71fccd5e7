"""The scan against real directories: what it lists, how it treats links, what a look says."""

from __future__ import annotations

import os
import shutil
import socket
import threading

import pytest

from ingestd.watch import look as look_module
from ingestd.watch.entries import VANISHED, EntryKind
from ingestd.watch.names import Ignored, Ours, Refused
from watch_kit import Seen, make, open_folder, quick_folder, scanner, somebody_else, touch_later

__all__ = ["open_folder", "quick_folder"]  # fixtures of the kit


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
