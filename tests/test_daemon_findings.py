"""What a stranger's trial of the installed command brought to light, each with its remedy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST_BUT_STORED, refused
from ingestd.config import ApiKey
from ingestd.daemon.once import Once, Pass
from ingestd.errors import Exit
from ingestd.model import GateName, Reason, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def test_a_new_key_lets_the_gate_that_refused_the_old_one_try_again(world: World):
    world.daemon.use_key(ApiKey("sk-mavi-old-old-old", "test"))
    path = world.put("a.mp4")
    world.far.plan(refused("401"))
    world.advance(HOUR)
    assert world.gate(GateName.AUTH) is not None
    world.daemon.use_key(ApiKey("sk-mavi-old-old-old", "test"))
    world.advance(HOUR)
    assert world.state(path) is State.QUEUED
    world.daemon.use_key(ApiKey("sk-mavi-new-new-new", "test"))
    world.advance(HOUR)
    assert world.state(path) is State.PARSED
    assert world.gate(GateName.AUTH) is None


def test_a_held_unconfirmed_upload_that_is_paid_again_stays_in_the_history(world: World):
    world.far.shows_names = False  # and nobody knows it yet
    path = world.put("a.mp4")
    world.far.plan(LOST_BUT_STORED)
    world.until(lambda: world.state(path) is State.HELD)
    world.paid_again = True
    world.wish("add", paths=[str(path)], folder=None, pay_again=True)
    world.advance(600)
    old, new = world.rows(path)
    assert (old.state, old.reason) == (State.HELD, Reason.UNCONFIRMED)
    assert new.state is State.PARSED


def test_a_directory_that_cannot_be_read_is_said_and_taken_up_by_itself(world: World):
    if os.geteuid() == 0:
        pytest.skip("root reads every directory")
    locked = world.put("locked/a.mp4").parent
    locked.chmod(0)
    world.advance(60)
    assert "cannot be read" in world.snapshot()["folders"][0]["detail"]
    locked.chmod(0o755)
    world.advance(600)
    assert world.snapshot()["folders"][0]["detail"] is None


def test_a_pass_knows_when_its_time_is_over_and_says_what_is_left(world: World):
    began = world.now().mono
    desk = world.daemon
    once = Pass(
        Once(timeout=5.0), desk.ctx, desk.seeing, desk.tracker, desk.keeper, lambda: desk.busy
    )
    world.put("a.mp4")
    assert once.deadline() == began + 5.0
    world.advance(6)
    assert once.over() is Exit.STOPPED_EARLY
    said = once.why(Exit.STOPPED_EARLY)
    assert said.startswith("Its time is over: 1 file waits")
    assert said.endswith("Nothing is lost, what was sent is not sent again: the next run goes on.")


def test_a_pass_names_the_gate_that_ended_it(world: World):
    desk = world.daemon
    once = Pass(Once(), desk.ctx, desk.seeing, desk.tracker, desk.keeper, lambda: desk.busy)
    world.put("a.mp4")
    world.far.plan(refused("402"))
    world.until(lambda: world.gate(GateName.CREDITS) is not None)
    assert once.over() is Exit.STOPPED_EARLY
    assert "ingestd resume" in once.why(Exit.STOPPED_EARLY)


def test_a_file_that_vanished_while_queued_spends_no_slot_of_the_pace(world: World):
    world.restart(**world.section("upload", per_minute=1.0))
    world.wish("pause")
    first, second = world.put("a.mp4"), world.put("b.mp4")
    world.advance(60)
    first.unlink()
    world.wish("resume")
    world.until(lambda: world.state(second) is State.PARSED, limit=120)
    assert world.state(first) is State.GONE
