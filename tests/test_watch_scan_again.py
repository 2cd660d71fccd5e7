"""The scan, pass after pass: what did not change is skipped, however many or deep it is."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time

import pytest

from watch_kit import LATER, Seen, make, open_descriptors, quick_folder, scanner, touch_later

__all__ = ["quick_folder"]  # fixtures of the kit


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
