"""The timetable of the bandwidth, and hours in which nothing goes out (interface 4, rules R7)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fake_farside import Fate
from ingestd import localtime
from ingestd.config import BandwidthStep
from ingestd.model import GateName, State
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600.0
MB = 1_000_000
OFFICE = (BandwidthStep(8 * 60, 5 * MB), BandwidthStep(19 * 60, None))
NIGHTS = (BandwidthStep(8 * 60, 0), BandwidthStep(19 * 60, 2 * MB))


@pytest.fixture
def world(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield from slow_worlds(tmp_path)
    monkeypatch.undo()
    time.tzset()


def at_clock(world: World, hour: int, minute: int = 0) -> None:
    """Let time pass until the local clock shows it."""
    wall = world.now().wall
    world.advance(localtime.next_time(wall, hour * 60 + minute) - wall)


def timetable(world: World, steps: tuple[BandwidthStep, ...]) -> None:
    world.reload(**world.section("upload", bandwidth=steps))


def test_the_limit_changes_at_its_time(world: World):
    at_clock(world, 7)
    world.bandwidths.clear()
    timetable(world, OFFICE)
    at_clock(world, 7, 59)
    assert world.bandwidths == []  # the evening's still holds, and it is unlimited
    at_clock(world, 8)
    assert world.bandwidths == [5 * MB]
    at_clock(world, 19)
    assert world.bandwidths == [5 * MB, None]


def test_a_start_takes_the_limit_of_the_hour(world: World):
    at_clock(world, 12)
    world.restart(**world.section("upload", bandwidth=OFFICE))
    world.advance(1)
    assert world.bandwidths[-1] == 5 * MB


def test_a_limit_of_nothing_is_a_gate_until_the_next_step(world: World):
    at_clock(world, 9)
    timetable(world, NIGHTS)
    path = world.put("a.mp4")
    world.advance(HOUR)
    gate = world.gate(GateName.BANDWIDTH_WINDOW)
    assert localtime.minute_of_day(gate.until) == 19 * 60
    assert world.state(path) is State.QUEUED
    assert world.far.attempts == []
    at_clock(world, 19, 5)
    assert world.gate(GateName.BANDWIDTH_WINDOW) is None
    assert world.bandwidths[-1] == 2 * MB
    assert world.state(path) is State.PARSED


def test_neither_resume_nor_a_restart_opens_it(world: World):
    at_clock(world, 9)
    timetable(world, NIGHTS)
    world.put("a.mp4")
    world.advance(60)
    said = world.wish("resume")["text"]
    assert "bandwidth_window" in said
    world.restart()
    world.advance(HOUR)
    assert world.far.attempts == []


def test_a_reload_opens_it(world: World):
    at_clock(world, 9)
    timetable(world, NIGHTS)
    path = world.put("a.mp4")
    world.advance(60)
    timetable(world, ())
    world.advance(300)
    assert world.state(path) is State.PARSED


def test_following_goes_on_meanwhile(world: World):
    at_clock(world, 7, 58)
    timetable(world, NIGHTS)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    at_clock(world, 8, 10)
    assert world.gate(GateName.BANDWIDTH_WINDOW) is not None
    assert world.state(path) is State.PARSED


def test_a_body_that_would_go_on_for_long_ends_before_its_last_byte(world: World):
    at_clock(world, 7, 59)
    timetable(world, NIGHTS)
    path = world.put("a.mp4")

    def into_the_window(_upload: object) -> None:
        world.elapsed += 120
        world.step()

    world.far.plan(Fate(during=into_the_window))
    world.until(lambda: world.far.attempts)
    world.advance(600)
    assert world.outcomes(path) == ["not_sent"]
    assert world.row(path).attempts == 0
    at_clock(world, 19, 5)
    assert world.outcomes(path) == ["not_sent", "accepted"]


@pytest.mark.parametrize("step", [-12 * HOUR, 12 * HOUR])
def test_a_step_of_the_clock_is_noticed(world: World, step: float):
    """From nine in the morning to nine in the evening."""
    at_clock(world, 9)
    timetable(world, NIGHTS)
    path = world.put("a.mp4")
    world.advance(60)
    world.wall_error += step
    world.advance(HOUR)
    assert world.gate(GateName.BANDWIDTH_WINDOW) is None
    assert world.state(path) is State.PARSED
