"""A clock that is set, a machine that sleeps, one that begins in 1970: no stall, no flood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestd.model import GateName, State
from world import START, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = 86_400.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        yield made


def steps(world: World) -> list[tuple[str, int]]:
    return [
        (level, known["seconds"])
        for level, name, known in world.events.all
        if name == "clock.stepped"
    ]


def test_a_step_back_is_said_once(world: World):
    world.advance(60)
    world.wall_error -= DAY
    world.advance(600)
    assert steps(world) == [("warning", -86_400)]


def test_a_machine_that_slept_says_so_once_and_floods_nobody(world: World):
    paths = [world.put(f"{n}.mp4") for n in range(3)]
    world.until(lambda: world.state(paths[0]) is State.INDEXING)
    world.wall_error += 8 * 3600.0  # the monotonic clock stands still while a machine sleeps
    world.advance(60)
    assert steps(world) == [("info", 28_800)]
    world.advance(600)
    assert {world.state(path) for path in paths} == {State.PARSED}


def test_small_corrections_are_nobodys_business(world: World):
    for _ in range(20):
        world.wall_error += 0.5
        world.advance(30)
        world.wall_error -= 1.0
        world.advance(30)
    assert steps(world) == []


def test_a_machine_without_a_clock_works_from_1970_on(tmp_path: Path):
    with World(tmp_path) as world:
        world.wall_error = -START
        world.restart()
        world.run_until_idle()
        (said,) = world.events.named("clock.wrong")
        assert "timedatectl set-ntp true" in said["detail"]
        first, second = world.put("a.mp4"), world.put("b.mp4")
        world.until(lambda: world.state(first) is State.INDEXING)
        world.daemon.keeper.hold(GateName.PAUSED)
        since = world.gate(GateName.PAUSED).since
        assert since < DAY
        world.wall_error = 0.0  # the time came over the network
        world.advance(30)
        assert steps(world) == [("info", round(START))]
        assert START <= world.gate(GateName.PAUSED).since < START + world.elapsed
        world.daemon.keeper.resume()
        world.advance(600)
        assert world.state(first) is State.PARSED  # its deadline was not over in 1970
        assert world.state(second) is State.PARSED


def test_the_last_years_clock_delays_nothing_that_it_wrote(world: World):
    """A dead battery: it was 2026, the next start believes 1970, later it is 2026 again."""
    world.far.down = True
    path = world.put("a.mp4")
    world.advance(300)
    world.wall_error = -START
    world.far.down = False
    world.restart()
    world.advance(900)
    assert world.state(path) is State.PARSED
    world.wall_error = 0.0
    other = world.put("b.mp4")
    world.advance(900)
    assert world.state(other) is State.PARSED
