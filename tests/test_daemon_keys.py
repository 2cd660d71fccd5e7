"""A refused key: what a person is told, and that a new key file needs no restart (rules R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import TAKEN, Fate, refused
from ingestd.config import ApiKey
from ingestd.errors import UsageError
from ingestd.model import GateName, State
from ingestd.remote.contract import Refusal, Trouble
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.remote.contract import Upload
    from world import World

HOUR = 3600.0
OLD, NEW = "sk-mavi-00000000-old1", "sk-mavi-00000000-new2"


class Desk:
    """Where the key lies, and a far side that takes the new one only."""

    def __init__(self, world: World, source: str) -> None:
        self.source, self.in_file, self.in_use, self.reads = source, OLD, OLD, 0
        self.world = world
        world.ctx.reread_key = self.read
        world.ctx.take_key = self.take
        world.far.judge = self.judge
        world.daemon.use_key(ApiKey(OLD, source))

    def read(self) -> ApiKey:
        self.reads += 1
        if not self.in_file:
            raise UsageError("The file is empty.")
        return ApiKey(self.in_file, self.source)

    def take(self, key: ApiKey) -> None:
        self.in_use = key.secret

    def judge(self, _upload: Upload) -> Fate:
        return TAKEN if self.in_use == NEW else refused("401")


@pytest.fixture
def world(tmp_path: Path):
    for world in slow_worlds(tmp_path):
        world.restart(**world.section("upload", concurrency=1))
        yield world


def test_a_new_key_in_the_file_is_taken_in_without_a_restart(world: World):
    desk = Desk(world, "api.key_file")
    paths = [world.put(f"{number}.mp4") for number in range(3)]
    world.advance(HOUR)
    assert len(world.far.attempts) == 1
    gate = world.gate(GateName.AUTH)
    assert "api.key_file names" in gate.detail
    assert "...old1" in gate.detail
    assert OLD not in gate.detail
    desk.in_file = NEW
    world.advance(120)
    assert world.gate(GateName.AUTH) is None
    world.advance(HOUR)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert world.snapshot()["api"]["key_id"] == "...new2"
    assert {row.attempts for row in world.rows()} == {0}


def test_it_is_read_at_once_when_the_key_is_refused(world: World):
    """A key that was replaced before anybody noticed the old one's end."""
    desk = Desk(world, "INGESTD_API_KEY_FILE")
    desk.in_file = NEW
    path = world.put("a.mp4")
    world.until(lambda: world.gate(GateName.AUTH) is not None)
    world.advance(10)
    assert desk.in_use == NEW
    world.advance(120)
    assert world.state(path) is State.PARSED


def test_the_same_key_and_an_unreadable_file_try_nothing(world: World):
    desk = Desk(world, "api.key_file")
    world.put("a.mp4")
    world.advance(HOUR)
    desk.in_file = ""
    world.advance(HOUR)
    assert len(world.far.attempts) == 1
    assert desk.in_use == OLD
    assert world.gate(GateName.AUTH) is not None


def test_while_the_key_is_good_nobody_reads_its_file(world: World):
    desk = Desk(world, "api.key_file")
    desk.in_use = NEW
    world.put("a.mp4")
    world.advance(HOUR)
    assert desk.reads == 0


@pytest.mark.parametrize("source", ["credential", "INGESTD_API_KEY"])
def test_what_cannot_change_while_running_is_said(world: World, source: str):
    desk = Desk(world, source)
    world.put("a.mp4")
    world.advance(HOUR)
    detail = world.gate(GateName.AUTH).detail
    assert "cannot change while" in detail
    assert "restart ingestd" in detail
    assert desk.reads == 0


def test_a_refused_question_reads_the_file_too(world: World):
    desk = Desk(world, "api.key_file")
    desk.in_use = NEW
    first = world.put("a.mp4")
    world.until(lambda: world.state(first) is State.INDEXING)
    world.far.fail_reads(*[Trouble(Refusal.AUTH, "who are you")] * 2)
    desk.in_file = "sk-mavi-00000000-new3"
    world.advance(HOUR)
    assert desk.in_use == "sk-mavi-00000000-new3"
    assert world.state(first) is State.PARSED
    assert world.daemon.keeper.closed == ()
