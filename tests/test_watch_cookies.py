"""A cookie in a directory of our own proves that events come, and wakes no disk."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from ingestd.watch import hints as hints_module
from ingestd.watch.cookies import Cookies, cookie_place
from ingestd.watch.hints import Hints, HintStatus
from watch_kit import Heard


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def proving(heard, root, tmp_path):
    hints = Hints(heard.hint, heard.overflows.put, heard.trouble, Cookies(tmp_path / "cookies"))
    assert hints.watch(str(root), recursive=True).watching
    yield hints
    hints.close()


def test_a_watcher_that_works_proves_it_and_nobody_is_woken(proving, heard, root):
    for _ in range(3):
        assert proving.prove(str(root)).watching
    assert heard.hints.empty()
    (root / "a.mp4").touch()
    heard.until(root / "a.mp4")


def test_it_does_so_beside_a_folder_that_is_not_recursive(heard, root, tmp_path):
    hints = Hints(heard.hint, heard.overflows.put, heard.trouble, Cookies(tmp_path / "cookies"))
    hints.watch(str(root), recursive=False)
    assert hints.prove(str(root)).watching
    hints.close()


def test_one_whose_threads_live_and_deliver_nothing_is_broken_and_can_be_replaced(
    proving, heard, root, monkeypatch
):
    monkeypatch.setattr(hints_module, "PROOF_S", 0.2)
    observer = proving._folders[str(root)]._observer
    with observer._reader._lock:  # so the reader reads no further, and is alive
        assert proving.prove(str(root)).status is HintStatus.BROKEN
    assert all(thread.is_alive() for thread in observer.emitters)
    assert heard.overflows.get(timeout=5) == str(root)
    _, state = heard.troubles.get(timeout=5)
    assert "stopped coming" in state.detail
    assert proving.watch(str(root), recursive=True).watching
    assert proving.prove(str(root)).watching


def test_a_cookie_directory_that_somebody_cleaned_away_is_noticed(proving, root, tmp_path):
    (directory,) = (tmp_path / "cookies").iterdir()
    directory.rmdir()
    assert not proving.prove(str(root)).watching
    assert proving.watch(str(root), recursive=True).watching
    assert proving.prove(str(root)).watching


def test_without_room_for_a_cookie_nothing_is_proven_and_nothing_breaks(proving, root, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    assert proving.prove(str(root)).watching


def test_nothing_is_left_behind(proving, root, tmp_path):
    before = threading.active_count()
    proving.prove(str(root))
    proving.close()
    assert not (tmp_path / "cookies").exists()
    assert threading.active_count() <= before


def left_behind(parent: Path, name: str, *, age: float = 3600.0) -> Path:
    """What a killed daemon leaves: one directory a folder, perhaps with the cookie in it."""
    place = parent / name
    for number in range(2):
        (place / f"{number:016x}").mkdir(parents=True)
    (place / f"{1:016x}" / "cookie").touch()
    before = time.time() - age
    os.utime(place, (before, before))
    return place


def test_what_a_killed_daemon_left_is_removed_by_the_next_one(root, tmp_path):
    me = os.geteuid()
    stale = left_behind(tmp_path, f"ingestd-{me}-0123abcd")
    kept = [
        left_behind(tmp_path, f"ingestd-{me}-00000001", age=1.0),  # just being made
        left_behind(tmp_path, f"ingestd-{me + 1}-00000002"),  # another user's by its name
        left_behind(tmp_path, f"ingestd-{me}-mine"),  # not one of our names
    ]
    full = left_behind(tmp_path, f"ingestd-{me}-00000003")
    (full / f"{0:016x}" / "somebody's").touch()
    (tmp_path / f"ingestd-{me}-00000004").symlink_to(kept[2])
    cookies = Cookies(tmp_path / f"ingestd-{me}-11111111")
    assert cookies.directory(str(root))
    assert not stale.exists()
    assert all((one / f"{1:016x}" / "cookie").exists() for one in kept)
    assert (full / f"{0:016x}" / "somebody's").exists()
    cookies.clear()
    assert not (tmp_path / f"ingestd-{me}-11111111").exists()


def test_the_cookies_of_a_daemon_that_lives_are_left_alone(root, tmp_path):
    first = Cookies(tmp_path / f"ingestd-{os.geteuid()}-11111111")
    directory = Path(first.directory(str(root)))
    before = time.time() - 3600
    os.utime(directory.parent, (before, before))
    second = Cookies(tmp_path / f"ingestd-{os.geteuid()}-22222222")
    second.directory(str(root))
    assert directory.is_dir()
    first.clear()
    second.clear()
    assert list(tmp_path.glob("ingestd-*")) == []


def test_a_place_of_somebody_else_is_not_used(root, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to make a directory of another user")
    place = tmp_path / "ingestd-0-11111111"
    place.mkdir()
    os.chown(place, 65534, 65534)
    assert Cookies(place).directory(str(root)) is None


def test_cookies_lie_in_memory_where_there_is_some(tmp_path):
    place, memory = cookie_place(tmp_path, {})
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm here")
    assert memory
    assert str(place).startswith("/dev/shm/ingestd-")
    assert cookie_place(tmp_path, {}) != cookie_place(tmp_path / "other", {})


def test_else_beside_the_journal(tmp_path, monkeypatch):
    monkeypatch.setattr("ingestd.watch.cookies._IN_MEMORY", frozenset())
    assert cookie_place(tmp_path, {"RUNTIME_DIRECTORY": "/run/x"}) == (tmp_path / "cookies", False)


def test_directories_that_are_to_be_skipped_are_not_watched(heard, root):
    for name in ("left", "taken"):
        (root / name / "below").mkdir(parents=True)
    hints = Hints(heard.hint, heard.overflows.put)
    hints.watch(str(root), recursive=True, skip=frozenset({str(root / "left")}))
    (root / "left" / "below" / "a.mp4").touch()
    (root / "taken" / "below" / "b.mp4").touch()
    assert not any("left" in path for path in heard.until(root / "taken" / "below" / "b.mp4"))
    hints.close()
