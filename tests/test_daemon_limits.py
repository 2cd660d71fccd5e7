"""When uploads start: pace, size, concurrency (rules R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import Fate
from ingestd.gates import pace
from ingestd.model import State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.remote.contract import Upload
    from world import World

DAY = 86_400.0


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def paced(world: World, per_minute: float | None, **more: object) -> None:
    world.restart(**world.section("upload", per_minute=per_minute, **more))


def starts(world: World) -> list[float]:
    """When bodies started, seconds since the first."""
    first = world.far.attempts[0].at
    return [round(attempt.at - first, 3) for attempt in world.far.attempts]


def several(world: World, count: int = 3) -> list[Path]:
    return [world.put(f"{number}.mp4") for number in range(count)]


def test_one_upload_a_minute_from_the_first_on(world: World):
    paced(world, 1.0)
    several(world, 4)
    world.advance(300)
    assert starts(world) == [0, 60, 120, 180]


def test_a_fraction_for_several_machines_on_one_account(world: World):
    paced(world, 0.5)
    several(world)
    world.advance(400)
    assert starts(world) == [0, 120, 240]


def test_unlimited_means_all_at_once(world: World):
    several(world, 10)
    world.advance(30)
    assert starts(world) == [0] * 10


def slow(world: World, seconds: float) -> Fate:
    """An upload that takes so long."""

    def wait(_upload: object) -> None:
        world.elapsed += seconds

    return Fate(during=wait)


def test_the_interval_runs_from_the_acceptance_where_that_is_later(world: World):
    paced(world, 1.0, concurrency=1)
    several(world)
    world.far.plan(slow(world, 40.0))
    world.advance(300)
    assert starts(world) == [0, 100, 160]


def test_a_slow_question_before_a_body_brings_no_two_bodies_close_together(world: World):
    paced(world, 1.0)
    several(world)
    world.until(lambda: len(world.daemon.flights) == 1)
    world.elapsed += 50.0  # the far side thinks about the preflight
    world.advance(300)
    gaps = [b - a for a, b in zip(starts(world), starts(world)[1:], strict=False)]
    assert len(gaps) == 2
    assert min(gaps) >= 60


def test_a_restart_forgets_no_interval(world: World):
    paced(world, 1.0)
    several(world)
    world.until(lambda: len(world.far.library) == 1)
    world.run_until_idle()
    world.elapsed += 10
    world.restart()
    world.advance(300)
    assert starts(world) == [0, 60, 120]


@pytest.mark.parametrize("step", [-DAY, DAY, -30.0])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_step_of_the_clock_costs_one_interval_at_most(world: World, step: float, restarted: bool):
    paced(world, 1.0)
    paths = several(world)
    world.until(lambda: len(world.far.library) == 1)
    world.run_until_idle()
    world.wall_error += step
    if restarted:
        world.restart()
    world.advance(300)
    assert len(world.far.library) == 3
    assert {world.state(path) for path in paths} == {State.PARSED}
    gaps = [b - a for a, b in zip(starts(world), starts(world)[1:], strict=False)]
    assert max(gaps) <= 120
    if step < 0:
        assert min(gaps) >= 60  # what is not known is not risked


def test_a_clock_set_back_stalls_no_delay(world: World):
    """A row that waits for its next attempt, and a gate that waits for its probe."""
    path = world.put("a.mp4")
    world.far.down = True
    world.advance(120)
    assert world.daemon.keeper.closed
    world.wall_error -= DAY
    world.far.down = False
    world.advance(1200)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_set_back_stalls_no_following(world: World, restarted: bool):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    world.wall_error -= DAY
    if restarted:
        world.restart()
    world.advance(1200)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("many", [1, 2, 5])
def test_so_many_go_at_once_and_no_more(world: World, many: int):
    paced(world, None, concurrency=many)
    world.lanes.held.add("upload")
    several(world, 8)
    world.advance(60)
    assert len(world.daemon.flights) == many
    world.lanes.held.clear()
    world.advance(100)
    assert len(world.far.library) == 8


def test_a_large_body_goes_alone_where_the_account_is_slow(world: World, monkeypatch):
    monkeypatch.setattr(pace, "ALONE_SIZE", 10_000)
    paced(world, 2.0, concurrency=3)
    world.lanes.held.add("upload")
    (world.drop / "1 large.mp4").write_bytes(world.content("x" * 20_000))
    world.put("2 small.mp4")
    world.advance(300)
    assert len(world.daemon.flights) == 1
    world.lanes.held.clear()
    world.advance(300)
    assert len(world.far.library) == 2


def test_small_ones_do_not_overtake_a_large_one_that_waits(world: World, monkeypatch):
    monkeypatch.setattr(pace, "ALONE_SIZE", 10_000)
    paced(world, 2.0, concurrency=3)
    world.lanes.held.add("upload")
    world.put("1.mp4")
    world.advance(12)
    (world.drop / "2 large.mp4").write_bytes(world.content("x" * 20_000))
    world.advance(12)
    world.put("3.mp4")
    world.advance(300)
    assert len(world.daemon.flights) == 1
    world.lanes.held.clear()
    world.advance(300)
    order = [attempt.upload.path.rsplit("/", 1)[-1] for attempt in world.far.attempts]
    assert order == ["1.mp4", "2 large.mp4", "3.mp4"]


def test_large_bodies_go_together_where_the_account_is_quick(world: World, monkeypatch):
    monkeypatch.setattr(pace, "ALONE_SIZE", 10_000)
    paced(world, 60.0, concurrency=2)
    world.lanes.held.add("upload")
    for name in "ab":
        (world.drop / f"{name}.mp4").write_bytes(world.content(name * 20_000))
    world.advance(60)
    assert len(world.daemon.flights) == 2


def test_the_snapshot_says_what_is_waited_for_and_until_when(world: World):
    paced(world, 1.0)
    several(world)
    world.advance(20)
    queue = world.snapshot()["queue"]
    assert queue["waiting_for"] == "pace"
    last = world.far.attempts[0].at + 120
    assert queue["eta"] == pytest.approx(last, abs=1)


def test_the_snapshot_tells_sending_from_awaiting_the_answer(world: World):
    path = world.put("a.mp4")
    shown: list[dict[str, object]] = []

    def look() -> None:
        answers = world.ask("snapshot")
        world.step()
        shown.extend(answers[0]["uploads"])

    def during(upload: Upload) -> None:
        for _ in range(4):
            world.elapsed += 1
            upload.progress.sent += 100
        look()
        upload.progress.phase = "awaiting_answer"
        world.elapsed += 12
        look()

    world.far.plan(Fate(during=during))
    world.until(lambda: world.state(path) is State.INDEXING)
    sending, awaiting = shown
    assert (sending["phase"], sending["sent"], sending["bytes_per_second"]) == ("sending", 400, 100)
    assert (awaiting["phase"], awaiting["bytes_per_second"]) == ("awaiting_answer", 0)
    began = world.far.attempts[0].at
    assert sending["since"] == pytest.approx(began)
    assert awaiting["since"] == pytest.approx(began + 4)  # so it is "waiting for 12 s"
