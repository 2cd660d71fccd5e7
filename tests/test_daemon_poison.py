"""A file that closes gates while others pass is refused in the end; the account is not (R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import TAKEN, Fate, refused
from ingestd.model import Reason, State
from world import slow_worlds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingestd.remote.contract import Upload
    from world import World

HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path):
    for world in slow_worlds(tmp_path):
        world.restart(**world.section("upload", concurrency=1))
        yield world


def refuse(world: World, paths: Iterable[Path], code: str) -> None:
    names = {str(path) for path in paths}

    def judge(upload: Upload) -> Fate:
        return refused(code) if upload.path in names else TAKEN

    world.far.judge = judge


def stream(world: World, rounds: int, *, each: int = 2) -> None:
    """Others come along for some hours."""
    for number in range(rounds):
        for one in range(each):
            world.put(f"other {number} {one}.mp4")
        world.advance(HOUR)


@pytest.mark.parametrize("code", ["429", "402", "403"])
def test_a_file_that_closed_a_gate_three_times_while_others_passed_is_refused(
    world: World, code: str
):
    bad = world.put("bad.mp4", salt="x" * 5000)
    refuse(world, [bad], code)
    stream(world, 30)
    row = world.row(bad)
    assert (row.state, row.reason) == (State.FAILED, Reason.REFUSED)
    assert "Nothing was billed" in row.detail
    assert "3 times" in row.detail
    assert "retry" in row.detail
    others = [one for one in world.rows() if one.path != str(bad)]
    assert {one.state for one in others} == {State.PARSED}
    assert {one.attempts for one in others} == {0}
    assert world.daemon.keeper.closed == ()


def test_once_it_is_known_to_be_the_file_the_others_need_not_wait(world: World):
    bad = world.put("bad.mp4", salt="x" * 5000)
    refuse(world, [bad], "402")
    for number in range(120):
        world.put(f"{number}.mp4")
        world.advance(60)
        if world.state(bad) is State.FAILED:
            break
    assert world.state(bad) is State.FAILED
    assert world.daemon.keeper.closed == ()  # its last refusal would close it for 15 minutes


def test_the_count_survives_restarts(world: World):
    bad = world.put("bad.mp4", salt="x" * 5000)
    refuse(world, [bad], "402")
    for number in range(12):
        world.put(f"{number}.mp4")
        world.advance(HOUR)
        world.restart()
    assert world.state(bad) is State.FAILED


def test_while_no_other_passes_it_is_the_accounts_trouble(world: World):
    bad = world.put("bad.mp4")
    refuse(world, [bad], "402")
    world.advance(72 * HOUR)
    assert world.state(bad) is State.QUEUED
    assert world.row(bad).attempts == 0


def test_where_many_are_refused_no_single_one_is_to_blame(world: World):
    """An account that takes one upload a minute, and a configuration that knows of no limit."""
    last = [0.0]

    def judge(_upload: Upload) -> Fate:
        now = world.far.clock()
        if now < last[0] + 60:
            return refused("429")
        last[0] = now
        return TAKEN

    world.far.judge = judge
    for number in range(80):
        world.put(f"{number}.mp4", salt=f"{number}" * (number + 1))
    world.advance(72 * HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_retry_starts_to_count_anew(world: World):
    bad = world.put("bad.mp4", salt="x" * 5000)
    refuse(world, [bad], "402")
    stream(world, 15)
    assert world.state(bad) is State.FAILED
    sends = len(world.sends(bad))
    world.wish("retry", ids=[world.row(bad).id])
    world.advance(60)
    assert world.state(bad) is State.QUEUED
    stream(world, 15, each=3)
    assert world.state(bad) is State.FAILED
    assert len(world.sends(bad)) >= sends + 3


def test_one_that_is_taken_in_the_end_is_like_any_other(world: World):
    bad = world.put("bad.mp4", salt="x" * 5000)
    refuse(world, [bad], "402")
    world.advance(HOUR)
    refuse(world, [], "402")
    world.advance(24 * HOUR)
    assert world.state(bad) is State.PARSED
    assert world.row(bad).attempts == 0
    assert world.journal.closings(world.row(bad).id) is None
