"""A budget of minutes: counted at acceptance, never overrun, a person may say yes (interface 4)."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, LOST_BUT_STORED, TAKEN, refused
from ingestd import localtime
from ingestd.config import Upload
from ingestd.model import GateName, Reason, State
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR, DAY = 3600.0, 86_400.0
MINUTES = 5 / 60  # of one clip


@pytest.fixture
def world(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield from slow_worlds(tmp_path)
    monkeypatch.undo()
    time.tzset()


def several(world: World, count: int) -> list[Path]:
    return [world.put(f"{number}.mp4") for number in range(count)]


def budget(world: World, *, day: float | None = None, month: float | None = None) -> None:
    """So many clips."""
    per_day, per_month = (None if n is None else n * length(world) / 60 for n in (day, month))
    section = world.section("budget", minutes_per_day=per_day, minutes_per_month=per_month)
    world.reload(**section)


def length(world: World) -> float:
    """How long every clip of these tests plays, seconds."""
    if not hasattr(world, "clip_s"):
        world.restart(**world.section("budget", minutes_per_day=0.0))
        path = world.put("measure.mp4")
        world.advance(60)
        world.clip_s = world.row(path).duration_s
        path.unlink()
        world.advance(2 * HOUR)
        assert world.state(path) is State.GONE
        world.restart(**world.section("budget", minutes_per_day=None))
    return world.clip_s


def taken(world: World) -> int:
    return len(world.far.library)


def spent_today(world: World) -> float:
    today = localtime.day(world.now().wall)
    return sum(one.seconds for one in world.journal.usage(today))


def test_what_is_spent_waits_for_the_next_local_day(world: World):
    budget(world, day=2)
    several(world, 5)
    world.advance(HOUR)
    assert taken(world) == 2
    gate = world.gate(GateName.BUDGET)
    assert gate.until == localtime.next_day(world.now().wall)
    assert "resume --over-budget" in gate.detail
    world.advance(gate.until - world.now().wall - 60)
    assert taken(world) == 2
    world.advance(HOUR)
    assert taken(world) == 4
    world.advance(DAY)
    assert taken(world) == 5
    assert world.gate(GateName.BUDGET) is None
    assert {row.attempts for row in world.rows()} == {0}


def test_a_month_ends_on_the_first(world: World):
    budget(world, day=2, month=3)
    several(world, 4)
    world.advance(2 * DAY)
    assert taken(world) == 3
    gate = world.gate(GateName.BUDGET)
    assert gate.until == localtime.next_month(world.now().wall)
    assert "month" in gate.detail
    world.advance(gate.until - world.now().wall + HOUR)
    assert taken(world) == 4


def test_uploads_at_once_do_not_overrun_it(world: World):
    budget(world, day=3)
    world.restart(upload=Upload(per_minute=None, concurrency=10))
    world.lanes.held.add("upload")
    several(world, 10)
    world.advance(60)
    assert len(world.daemon.flights) == 3
    assert world.gate(GateName.BUDGET) is None  # one of them may be refused
    assert world.snapshot()["queue"]["waiting_for"] == "budget"
    world.lanes.held.clear()
    world.advance(HOUR)
    assert taken(world) == 3


def test_what_was_refused_leaves_its_place(world: World):
    budget(world, day=2)
    world.restart(upload=Upload(per_minute=None, concurrency=2))
    several(world, 4)
    world.far.plan(refused("429"), refused("429"), TAKEN, TAKEN)
    world.advance(HOUR)
    assert taken(world) == 2


@pytest.mark.parametrize("fate", [LOST, LOST_BUT_STORED])
def test_what_is_being_asked_about_is_reserved(world: World, fate):
    world.fill()
    budget(world, day=1)
    several(world, 3)
    world.far.plan(fate)
    world.until(lambda: world.journal.counts()[State.CONFIRMING] == 1)
    world.advance(10)
    assert len(world.far.attempts) == 1
    world.advance(12 * HOUR)
    assert taken(world) == 1
    assert spent_today(world) == pytest.approx(length(world))


def test_what_may_have_been_billed_counts_as_spent(world: World):
    budget(world, day=1)
    world.restart(**world.section("upload", name_token=False), **world.section("api"))
    several(world, 2)
    world.far.plan(LOST)
    world.until(lambda: world.journal.counts()[State.HELD] == 1, limit=4 * HOUR)
    (held,) = (row for row in world.rows() if row.state is State.HELD)
    assert held.reason is Reason.UNCONFIRMED
    world.advance(60)
    assert world.gate(GateName.BUDGET) is not None
    assert len(world.far.attempts) == 1


def test_a_yes_holds_for_its_period(world: World):
    budget(world, day=1)
    several(world, 4)
    world.advance(HOUR)
    assert taken(world) == 1
    assert "Still closed, budget" in world.wish("resume")["text"]
    world.advance(HOUR)
    assert taken(world) == 1
    assert "day" in world.wish("resume", over_budget=True)["text"]
    world.restart()
    world.advance(HOUR)
    assert taken(world) == 4
    [world.put(f"{number} late.mp4") for number in range(3)]
    world.advance(localtime.next_day(world.now().wall) - world.now().wall)
    [world.put(f"{number} tomorrow.mp4") for number in range(3)]
    world.advance(HOUR)
    assert taken(world) == 7 + 1


def test_a_restart_and_a_clock_that_is_set_back_forget_nothing(world: World):
    budget(world, day=2)
    several(world, 4)
    world.advance(HOUR)
    before = world.gate(GateName.BUDGET)
    world.restart()
    world.advance(60)
    assert world.gate(GateName.BUDGET) == before
    world.wall_error -= HOUR
    world.advance(HOUR)
    assert taken(world) == 2
    assert world.gate(GateName.BUDGET).until == before.until


def test_a_larger_budget_goes_on_at_once(world: World):
    budget(world, day=1)
    several(world, 3)
    world.advance(HOUR)
    budget(world, day=2)
    world.advance(60)
    assert taken(world) == 2
    budget(world)
    world.advance(60)
    assert taken(world) == 3


def test_following_goes_on_while_nothing_may_be_spent(world: World):
    budget(world, day=1)
    world.far.index_s = 2 * HOUR
    several(world, 2)
    world.advance(HOUR)
    assert world.gate(GateName.BUDGET) is not None
    world.advance(2 * HOUR)
    assert world.journal.counts()[State.PARSED] == 1


# --- longer than the budget ---------------------------------------------------------------------


def make_longer(world: World, path: Path) -> None:
    """Pretend that a queued clip plays for long."""
    row = world.row(path)
    world.journal.revise(row, replace(row, duration_s=10 * length(world)), world.now().wall)


def test_a_clip_longer_than_the_budget_says_so_and_holds_up_no_other(world: World):
    length(world)
    world.wish("pause")
    long = several(world, 3)[0]
    world.advance(60)
    make_longer(world, long)
    budget(world, day=4)
    world.wish("resume")
    world.advance(HOUR)
    assert taken(world) == 2
    assert "never fits" in world.row(long).detail
    gate = world.gate(GateName.BUDGET)  # nothing else waits: the gate says why
    assert gate.until is None
    assert "0.mp4" in gate.detail
    world.put("new.mp4")
    world.advance(HOUR)
    assert taken(world) == 3
    told = [event["path"] for event in world.events.named("upload.over_budget")]
    assert told.count(str(long)) == 1


def test_a_clip_longer_than_the_budget_goes_when_a_person_says_so(world: World):
    length(world)
    world.wish("pause")
    (long,) = several(world, 1)
    world.advance(60)
    make_longer(world, long)
    budget(world, day=4)
    world.wish("resume")
    world.advance(HOUR)
    assert world.gate(GateName.BUDGET) is not None
    world.wish("resume", over_budget=True)
    world.advance(HOUR)
    assert world.state(long) is State.PARSED
    assert world.gate(GateName.BUDGET) is None


def test_a_clip_longer_than_the_budget_goes_when_the_budget_grows(world: World):
    length(world)
    world.wish("pause")
    (long,) = several(world, 1)
    world.advance(60)
    make_longer(world, long)
    budget(world, month=4)
    world.wish("resume")
    world.advance(HOUR)
    assert taken(world) == 0
    world.restart(**world.section("budget", minutes_per_month=1e6))
    world.advance(HOUR)
    assert world.state(long) is State.PARSED


def test_a_budget_of_nothing_sends_nothing(world: World):
    budget(world, month=0)
    several(world, 2)
    world.advance(HOUR)
    assert taken(world) == 0
    assert world.gate(GateName.BUDGET) is not None
