"""Hints with real inotify: what wakes, what does not, and watching a folder anew or no longer."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ingestd.watch.hints import Hints, HintStatus
from watch_kit import PATIENCE, heard, hints, root, sentinel, watched

__all__ = ["heard", "hints", "root", "watched"]  # fixtures of the kit


# --- what wakes ----------------------------------------------------------------------------------


def test_a_written_file_is_hinted_at_when_made_and_when_closed(watched, heard):
    clip = watched / "a.mp4"
    with clip.open("wb") as file:
        heard.until(clip)
        file.write(b"x")
    assert heard.until(clip)


def test_a_hint_names_the_folder_as_it_was_given(watched, heard):
    (watched / "a.mp4").touch()
    assert heard.hints.get(timeout=PATIENCE) == (str(watched), str(watched / "a.mp4"))


def test_a_file_moved_in_is_hinted_at(watched, heard, tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.mp4").rename(watched / "a.mp4")
    heard.until(watched / "a.mp4")


def test_a_rename_is_hinted_at_both_ends(watched, heard):
    (watched / "a.mp4").touch()
    (watched / "a.mp4").rename(watched / "b.mp4")
    heard.until(watched / "a.mp4", watched / "b.mp4")


def test_a_removed_file_is_hinted_at(watched, heard):
    (watched / "a.mp4").touch()
    heard.until(watched / "a.mp4", sentinel(watched))
    (watched / "a.mp4").unlink()
    heard.until(watched / "a.mp4")


def test_a_hard_link_is_hinted_at_though_it_is_never_closed(watched, heard, tmp_path):
    (tmp_path / "a.mp4").touch()
    os.link(tmp_path / "a.mp4", watched / "link.mp4")
    heard.until(watched / "link.mp4")


def test_directories_made_in_each_other_at_once_are_watched(watched, heard):
    deep = watched / "a" / "b" / "c"
    deep.mkdir(parents=True)
    heard.until(deep)
    (deep / "clip.mp4").touch()
    heard.until(deep / "clip.mp4")


def test_a_directory_moved_in_is_watched_with_what_is_in_it(watched, heard, tmp_path):
    (tmp_path / "card" / "DCIM").mkdir(parents=True)
    (tmp_path / "card" / "DCIM" / "a.mp4").touch()
    (tmp_path / "card").rename(watched / "card")
    heard.until(watched / "card", watched / "card" / "DCIM" / "a.mp4")
    (watched / "card" / "DCIM" / "later.mp4").touch()
    heard.until(watched / "card" / "DCIM" / "later.mp4")


@pytest.mark.parametrize("name", [b"\xff\xfe.mp4", b"new\nline.mp4", "🎬".encode() + b".mp4"])
def test_any_bytes_can_be_hinted_at(watched, heard, name):
    path = os.fsencode(watched) + b"/" + name
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    heard.until(os.fsdecode(path))


def test_without_recursive_sub_directories_are_not_watched(hints, heard, root):
    (root / "sub").mkdir()
    hints.watch(str(root), recursive=False)
    (root / "sub" / "a.mp4").touch()
    assert heard.until(last := sentinel(root))[0] == str(last)


def test_reading_and_listing_wake_nobody(watched, heard):
    (watched / "sub").mkdir()
    clip = watched / "sub" / "a.mp4"
    clip.write_bytes(b"x")
    heard.until(first := sentinel(watched))
    for _ in range(3):
        clip.read_bytes()
        list((watched / "sub").iterdir())
        clip.chmod(0o600)
    after = heard.until(sentinel(watched))
    assert set(after) - {str(first)} == {after[-1]}


def test_a_root_that_is_a_link_is_watched_under_its_own_name(hints, heard, root, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(root)
    assert hints.watch(str(link), recursive=True).watching
    (root / "sub").mkdir()
    heard.until(link / "sub")
    (root / "sub" / "a.mp4").touch()
    heard.until(link / "sub" / "a.mp4")


def test_links_below_the_root_are_not_watched(hints, heard, root, tmp_path):
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "circle").symlink_to(root)
    hints.watch(str(root), recursive=True)
    (tmp_path / "outside" / "a.mp4").touch()
    assert heard.until(last := sentinel(root))[0] == str(last)


# --- watching, anew, and no longer ---------------------------------------------------------------


def test_each_folder_is_watched_on_its_own(hints, heard, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        hints.watch(str(folder), recursive=True)
    hints.unwatch(str(one))
    assert hints.state(str(one)).status is HintStatus.OFF
    assert hints.state(str(two)).watching
    (one / "a.mp4").touch()
    assert heard.until(last := sentinel(two))[0] == str(last)


def test_a_folder_can_be_watched_anew(hints, heard, watched):
    assert hints.watch(str(watched), recursive=True).watching
    (watched / "a.mp4").touch()
    heard.until(watched / "a.mp4")


def test_a_folder_costs_three_threads_and_they_end(heard, root):
    before = threading.active_count()
    hints = Hints(heard.hint, heard.overflows.put)
    hints.watch(str(root), recursive=True)
    assert threading.active_count() == before + 3
    hints.close()
    hints.close()
    assert threading.active_count() == before


def test_no_descriptor_is_left_open(heard, root):
    before = len(list(Path("/proc/self/fd").iterdir()))
    hints = Hints(heard.hint, heard.overflows.put)
    for _ in range(3):
        hints.watch(str(root), recursive=True)
    hints.watch(f"{root}/missing", recursive=True)
    hints.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_not_watched_can_be_unwatched(hints):
    hints.unwatch("/srv/never")
    assert hints.state("/srv/never").status is HintStatus.OFF
