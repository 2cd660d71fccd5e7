"""Markers and checksum lists: nothing of a card goes out before they say that it is whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

import mhl
from ingestd.daemon.once import Once, Pass
from ingestd.errors import Exit
from ingestd.model import Reason, State
from world import slow_worlds, worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def slow(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def use(world: World, **changes: object) -> None:
    world.restart(folders=(replace(world.settings.folders[0], **changes),))


def explained(world: World, path: Path) -> str:
    answers = world.ask("explain", path=str(path))
    world.run_until_idle()
    return answers[0]["detail"]


# --- markers ----------------------------------------------------------------------------------


def test_a_cards_files_wait_for_their_marker_and_go_when_it_is_there(world: World):
    use(world, done_marker="*.done")
    here, there = world.put("A/DCIM/a.mp4"), world.put("B/b.mp4")
    world.advance(HOUR)
    assert world.rows() == []
    assert "no marker *.done" in explained(world, here)
    (world.drop / "A/card.done").touch()
    world.advance(60)
    assert world.state(here) is State.INDEXING
    assert world.state(there) is None


def test_an_event_at_a_marker_releases_at_once(slow: World):
    use(slow, done_marker="*.done", poll_interval=900.0)
    path = slow.put("A/a.mp4")
    slow.advance(100)
    marker = slow.drop / "A/card.done"
    marker.touch()
    slow.hint(marker)
    slow.advance(1)
    assert slow.state(path) in (State.UPLOADING, State.INDEXING)


def test_a_marker_that_never_comes_holds_and_one_that_comes_late_releases(slow: World):
    use(slow, done_marker="*.done", marker_timeout=2.0 * HOUR)
    path = slow.put("A/a.mp4")
    slow.advance(1.8 * HOUR)
    assert slow.row(path) is None
    slow.advance(HOUR)
    row = slow.row(path)
    assert (row.state, row.reason) == (State.HELD, Reason.NO_CHECKSUM_LIST)
    assert "2 h" in row.detail
    assert "ingestd approve" in row.detail
    slow.restart()
    (slow.drop / "A/card.done").touch()
    slow.advance(HOUR)
    assert slow.way(path) == ["held", "queued", "uploading", "indexing", "parsed"]


@pytest.mark.parametrize("listed", [False, True])
def test_a_file_is_held_when_its_time_is_over_and_not_much_later(slow: World, listed: bool):
    use(slow, wait_for_mhl=True, marker_timeout=1.0 * HOUR)
    path = slow.put("A/a.mp4")
    if listed:
        mhl.classic(slow.drop / "A", [])
    slow.advance(HOUR)
    assert slow.row(path) is None
    slow.advance(30)
    assert slow.state(path) is State.HELD


def test_without_a_marker_asked_for_any_more_the_files_go(world: World):
    use(world, done_marker="*.done")
    path = world.put("A/a.mp4")
    world.advance(100)
    world.reload(folders=(replace(world.settings.folders[0], done_marker=None),))
    world.advance(400)
    assert world.state(path) is State.PARSED


def test_one_pass_looks_at_the_card_and_says_what_is_missing(world: World):
    use(world, done_marker="*.done")
    world.put("A/a.mp4")
    path = world.put("B/b.mp4")
    (world.drop / "B/card.done").touch()
    daemon = world.daemon
    one = Pass(Once(), world.ctx, daemon.seeing, daemon.tracker, daemon.keeper, lambda: daemon.busy)
    while (over := one.over()) is None:
        deadline = world.step()
        if not world.lanes.run(most=1) and not world.inbox:
            assert deadline is not None
            world.elapsed += max(deadline - world.now().mono, 0.001)
    assert over is Exit.PROBLEMS
    assert world.state(path) is State.PARSED


# --- checksum lists ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [mhl.classic, mhl.asc])
def test_a_card_goes_when_its_list_is_there_and_its_hashes_agree(world: World, make):
    use(world, wait_for_mhl=True)
    path = world.put("A001/CLIP/a.mp4")
    world.advance(HOUR)
    assert world.rows() == []
    assert "no checksum list" in explained(world, path)
    make(world.drop / "A001", [path])
    world.advance(400)
    row = world.row(path)
    assert row.state is State.PARSED
    assert row.content_hash == blake3(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("make", [mhl.classic, mhl.asc])
def test_a_damaged_copy_is_rejected_with_both_values_and_never_sent(world: World, make):
    use(world, wait_for_mhl=True)
    path = world.put("A001/a.mp4")
    good = path.read_bytes()
    make(world.drop / "A001", [path])
    damaged = good[:-50] + bytes([good[-50] ^ 1]) + good[-49:]
    path.write_bytes(damaged)
    world.advance(200)
    row = world.row(path)
    assert (row.state, row.reason) == (State.REJECTED, Reason.CHECKSUM)
    assert mhl.VALUES["xxh64"](good) in row.detail
    assert mhl.VALUES["xxh64"](damaged) in row.detail
    assert world.far.attempts == []
    path.write_bytes(good)  # copied again
    world.advance(400)
    assert world.state(path) is State.PARSED


def test_a_list_that_comes_while_files_settle_is_heeded_at_once(world: World):
    use(world, wait_for_mhl=True)
    path = world.put("A001/a.mp4")
    world.advance(5)
    mhl.classic(world.drop / "A001", [path])
    world.advance(30)
    assert world.state(path) is State.INDEXING


def test_a_list_that_arrives_is_noticed_by_its_event(slow: World):
    use(slow, wait_for_mhl=True, poll_interval=900.0)
    path = slow.put("A001/a.mp4")
    slow.advance(300)
    slow.hint(mhl.classic(slow.drop / "A001", [path]))
    slow.advance(2)
    assert slow.state(path) in (State.UPLOADING, State.INDEXING)


def test_a_file_that_the_list_does_not_name_waits_and_is_held(slow: World):
    use(slow, wait_for_mhl=True, marker_timeout=2.0 * HOUR)
    named, extra = slow.put("A001/a.mp4"), slow.put("A001/extra.mp4")
    mhl.classic(slow.drop / "A001", [named])
    slow.advance(HOUR)
    assert slow.state(named) is State.PARSED
    assert "names it" in explained(slow, extra)
    slow.advance(3 * HOUR)
    row = slow.row(extra)
    assert (row.state, row.reason) == (State.HELD, Reason.NO_CHECKSUM_LIST)
    assert len(slow.far.library) == 1


def test_a_held_file_whose_late_list_disagrees_is_rejected(slow: World):
    use(slow, wait_for_mhl=True, marker_timeout=1.0 * HOUR)
    path = slow.put("A001/a.mp4")
    slow.advance(3 * HOUR)
    assert slow.state(path) is State.HELD
    mhl.classic(slow.drop / "A001", [path], a="0123456789abcdef")
    slow.advance(HOUR)
    row = slow.row(path)
    assert (row.state, row.reason) == (State.REJECTED, Reason.CHECKSUM)
    assert slow.far.attempts == []


def test_a_copy_that_is_shorter_than_its_list_says_is_still_arriving(slow: World):
    use(slow, wait_for_mhl=True, incomplete_after=HOUR)
    path = slow.put("A001/a.mp4")
    whole = path.read_bytes() + b"\0\0\0\x08free"  # valid with and without its last box
    path.write_bytes(whole)
    mhl.classic(slow.drop / "A001", [path])
    path.write_bytes(whole[:-8])
    slow.hint(path)
    slow.advance(0.5 * HOUR)
    assert slow.row(path) is None
    path.write_bytes(whole)
    slow.hint(path)
    slow.advance(0.5 * HOUR)
    assert slow.state(path) is State.PARSED


def test_what_is_no_video_is_rejected_without_waiting_for_a_hash(world: World):
    use(world, wait_for_mhl=True)
    path = world.drop / "A001/a.mp4"
    path.parent.mkdir()
    path.write_bytes(b"no video at all, whatever its name says")
    mhl.classic(path.parent, [path])
    world.advance(200)
    assert world.row(path).reason is Reason.MIME


def test_odd_names_wait_and_go_like_others(world: World):
    use(world, done_marker="*.done")
    path = world.put("A\n1/\udcff🎬.mp4")
    world.advance(100)
    assert world.rows() == []
    (path.parent / "x.done").touch()
    world.advance(300)
    assert world.state(path) is State.PARSED
