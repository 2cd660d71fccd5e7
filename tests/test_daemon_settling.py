"""Unfinished, changing and unreadable files: never wrong, never sent half (rules R5)."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from ingestd import probe
from ingestd.config import WatchMode
from ingestd.daemon.messages import HintsLost
from ingestd.model import Reason, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HALF_HOUR = 1800


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def cut(world: World, name: str, part: float = 0.5) -> tuple[Path, bytes]:
    """Put the beginning of a clip; returns where, and the whole of it."""
    whole = world.content(name)
    path = world.drop / name
    path.write_bytes(whole[: int(len(whole) * part)])
    return path, whole


def test_an_unfinished_file_is_settling_until_its_time_is_over(world: World):
    path, _ = cut(world, "a.mp4")
    world.advance(HALF_HOUR - 60)
    assert world.row(path) is None
    explained = world.ask("explain", path=str(path))
    world.run_until_idle()
    assert explained[0]["state"] == "settling"
    assert "Not complete" in explained[0]["detail"]
    world.advance(700)  # the delays between two looks have grown
    row = world.row(path)
    assert (row.state, row.reason) == (State.REJECTED, Reason.INCOMPLETE)
    assert "nothing was billed" in row.detail
    assert world.far.attempts == []


def test_an_unfinished_file_is_taken_by_itself_once_it_is_whole(world: World):
    path, whole = cut(world, "a.mp4")
    world.advance(2 * HALF_HOUR)
    path.write_bytes(whole)
    world.advance(600)
    assert world.way(path) == ["rejected", "queued", "uploading", "indexing", "parsed"]
    assert len(world.rows()) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_an_empty_file_is_unfinished_first_and_empty_after_that(world: World, restarted: bool):
    path = world.drop / "a.mp4"
    path.touch()
    world.advance(HALF_HOUR - 60)
    assert world.row(path) is None
    world.advance(700)
    assert world.row(path).reason is Reason.EMPTY
    if restarted:
        world.restart()
    path.write_bytes(world.content("a.mp4"))
    world.advance(700)
    assert world.state(path) is State.PARSED


def test_a_rejected_unfinished_file_stays_one_move_however_often_it_is_looked_at(world: World):
    path, _ = cut(world, "a.mp4")
    world.advance(2 * 3600)
    assert world.way(path) == ["rejected"]


def test_a_growing_file_is_not_touched(world: World):
    whole = world.content("a.mp4")
    path = world.drop / "a.mp4"
    for part in range(1, 11):
        path.write_bytes(whole[: len(whole) * part // 10])
        world.advance(8)
        assert world.row(path) is None
    assert world.far.attempts == []
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_a_file_that_never_stops_growing_is_never_given_up(world: World):
    path = world.drop / "a.mp4"
    with path.open("ab") as file:
        for _ in range(250):
            file.write(b"\0" * 100)
            file.flush()
            world.advance(9)
    assert world.row(path) is None


def test_a_rejected_file_that_changed_is_judged_anew_in_its_row(world: World):
    path = world.drop / "a.mp4"
    path.write_bytes(b"no video at all, whatever its name says")
    world.advance(60)
    assert world.row(path).reason is Reason.MIME
    world.put("a.mp4")
    world.advance(200)
    assert world.way(path) == ["rejected", "queued", "uploading", "indexing", "parsed"]
    assert len(world.rows()) == 1
    assert world.row(path).reason is None


def test_a_file_that_is_written_to_while_it_is_looked_into_is_looked_at_again(world: World):
    path = world.put("a.mp4")
    world.lanes.held.add("probe")
    world.advance(30)
    with path.open("ab") as file:
        file.write(b"\0\0\0\x0cfreemore")
    world.lanes.held.clear()
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert world.row(path).stat.size == path.stat().st_size


def test_a_file_that_changes_in_the_middle_of_the_look_settles_again(world: World, monkeypatch):
    path = world.put("a.mp4")
    looked = []

    def sampled_late(source: object) -> str:
        looked.append(source)
        if len(looked) == 1:
            os.utime(path, (1, 1))
        return "5" * 32 if len(looked) == 1 else real(source)

    real = probe.sampled
    monkeypatch.setattr(probe, "sampled", sampled_late)
    world.advance(300)
    assert len(looked) == 2
    assert world.state(path) is State.PARSED


def test_a_file_that_cannot_be_read_is_later_again_and_never_rejected(world: World, monkeypatch):
    path = world.put("a.mp4")
    real = os.open

    def denied(name, flags, *args, **more):
        if name == "a.mp4":
            raise OSError(errno.EIO, "Input/output error")
        return real(name, flags, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", denied)
        world.advance(4 * HALF_HOUR)
    assert world.row(path) is None
    assert "EIO" in world.events.named("file.unreadable")[0]["detail"]
    world.advance(700)
    assert world.state(path) is State.PARSED


def test_a_directory_that_may_not_be_read_makes_nothing_vanish(world: World, monkeypatch):
    world.wish("pause")
    path = world.put("card/a.mp4")
    world.advance(30)
    real = os.open

    def denied(name, flags, *args, **more):
        if name == "card":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(name, flags, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", denied)
        world.advance(HALF_HOUR)
    assert world.state(path) is State.QUEUED


def test_a_hint_is_enough_to_notice_a_file_between_two_scans(world: World):
    world.restart(folders=(world.folder(world.drop, mode=WatchMode.EVENTS),))
    world.advance(30)
    path = world.put("a.mp4")
    world.hint(path)
    world.advance(11)
    assert world.state(path) is not None
    other = world.put("unhinted.mp4")
    world.advance(60)
    assert world.row(other) is None
    world.advance(600)
    assert world.state(other) is State.PARSED


def test_a_hinted_directory_is_scanned_at_once(world: World):
    world.restart(folders=(world.folder(world.drop, mode=WatchMode.EVENTS),))
    world.advance(30)
    path = world.put("card/DCIM/a.mp4")
    world.hint(world.drop / "card")
    world.advance(11)
    assert world.row(path) is not None


def test_lost_hints_bring_a_scan(world: World):
    world.restart(folders=(world.folder(world.drop, mode=WatchMode.EVENTS),))
    world.advance(30)
    path = world.put("a.mp4")
    world.inbox.post(HintsLost(None))
    world.advance(11)
    assert world.row(path) is not None


def test_a_touched_file_is_not_uploaded_again(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    path.chmod(0o600)
    world.advance(100)
    assert world.way(path)[-1] == "parsed"
    assert len(world.rows()) == len(world.far.library) == 1


def test_a_queued_file_that_was_touched_stays_queued_once(world: World):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(60)
    os.utime(path, (1, 1))
    world.advance(60)
    assert world.way(path) == ["queued"]
    world.wish("resume")
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_a_known_file_that_seemed_another_one_for_a_moment_is_not_settling_for_ever(
    world: World, monkeypatch
):
    """So it is while its disk is not told yet."""
    path = world.put("a.mp4")
    world.advance(200)
    sights = world.daemon.seeing.sights
    with monkeypatch.context() as patched:
        patched.setattr(sights, "_settled_before", lambda *_: False)
        world.daemon.seeing.scan_now(full=True)
        world.advance(1)
        assert path.as_posix() in world.daemon.tracker
    world.advance(120)
    assert len(world.daemon.tracker) == 0
    assert [row.state for row in world.rows()] == [State.PARSED]
