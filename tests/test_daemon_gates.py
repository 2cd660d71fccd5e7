"""Troubles of the account: they pause uploads, burn nothing, and end by one probe (rules R7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import CUT, DEAD, LOST, LOST_BUT_STORED, Fate, answer, refused
from ingestd.model import GateName, State
from ingestd.remote.contract import Refusal, Trouble
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600.0
RATE = refused("429")


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def several(world: World, count: int = 3) -> list[Path]:
    """Files of growing size."""
    return [
        world.put(f"{number}.mp4", salt=str(number) * 10 * (number + 1)) for number in range(count)
    ]


def times(world: World) -> list[float]:
    first = world.far.attempts[0].at
    return [round(attempt.at - first, 3) for attempt in world.far.attempts]


def attempts(world: World) -> set[int]:
    return {row.attempts for row in world.rows()}


# --- rate limit ---------------------------------------------------------------------------------


def test_a_rate_limit_is_waited_for_ever_longer_and_burns_no_attempt(world: World):
    several(world)
    world.far.plan(*[RATE] * 12)
    world.advance(3 * HOUR)
    assert attempts(world) == {0}
    gaps = [b - a for a, b in zip(times(world), times(world)[1:], strict=False)][1:]
    assert gaps[:8] == [10, 20, 40, 80, 160, 320, 640, 1280]
    assert max(gaps) <= 1800
    world.advance(3 * HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}
    assert world.daemon.keeper.closed == ()


def test_two_refusals_at_once_count_for_the_file_none(world: World):
    """Both were in flight when the first one was refused."""
    several(world)
    world.far.plan(RATE, RATE)
    world.advance(9)
    world.advance(2)
    assert len(world.far.attempts) == 2
    assert attempts(world) == {0}


def test_a_stated_delay_is_kept(world: World):
    several(world)
    world.far.plan(Fate(answer("429", retry_after=300.0)))
    world.restart(**world.section("upload", concurrency=1))
    world.advance(600)
    assert times(world)[1] == 300


def test_the_delay_is_never_shorter_than_the_configured_interval(world: World):
    world.restart(**world.section("upload", per_minute=0.5))
    several(world)
    world.far.plan(RATE, RATE)
    world.advance(HOUR)
    gaps = [b - a for a, b in zip(times(world), times(world)[1:], strict=False)]
    assert gaps[:2] == [120, 240]


def test_one_probe_goes_first_the_smallest_and_each_time_another(world: World):
    world.restart(**world.section("upload", concurrency=1))
    several(world)
    world.far.plan(*[RATE] * 4)
    world.advance(100)
    names = [attempt.upload.path.rsplit("/", 1)[-1] for attempt in world.far.attempts]
    assert names[1:4] == ["0.mp4", "1.mp4", "2.mp4"]


def test_while_a_probe_is_under_way_nothing_else_starts(world: World):
    several(world)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(RATE)
    world.until(lambda: world.gate(GateName.RATE_LIMIT) is not None)
    world.reload(**world.section("upload", concurrency=3))
    world.lanes.held.add("upload")
    world.advance(600)
    assert len(world.daemon.flights) == 1
    world.lanes.held.clear()
    world.advance(600)
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_a_probe_whose_answer_is_lost_opens_nothing_and_another_one_goes(world: World):
    world.put("before.mp4")
    world.advance(100)
    several(world)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(RATE, LOST)
    world.until(lambda: any(row.state is State.CONFIRMING for row in world.rows()))
    assert world.gate(GateName.RATE_LIMIT) is not None
    world.advance(3 * HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}


# --- credits, key, account ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "first"),
    [("402", GateName.CREDITS, 900.0), ("403", GateName.DISABLED, HOUR)],
)
def test_credits_and_disabled_accounts_are_probed_ever_more_seldom(
    world: World, code: str, name: GateName, first: float
):
    world.restart(**world.section("upload", concurrency=1))
    several(world)
    world.far.plan(*[refused(code)] * 7)
    world.advance(48 * HOUR)
    gaps = [b - a for a, b in zip(times(world), times(world)[1:], strict=False)]
    assert gaps[0] == first
    assert max(gaps) == 6 * HOUR
    assert attempts(world) == {0}
    assert world.gate(name) is None
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_a_refused_key_is_tried_again_only_when_a_person_says_so(world: World):
    world.restart(**world.section("upload", concurrency=1))
    several(world)
    world.far.plan(refused("401"), refused("401"))
    world.advance(48 * HOUR)
    assert len(world.far.attempts) == 1
    gate = world.gate(GateName.AUTH)
    assert gate.until is None
    assert "ingestd resume" in gate.detail
    world.wish("resume")
    world.advance(HOUR)
    assert len(world.far.attempts) == 2
    world.wish("resume")
    world.advance(HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}
    assert attempts(world) == {0}


def test_after_resume_one_file_tries_a_refused_key_before_the_others(world: World):
    world.restart(**world.section("upload", concurrency=1))
    several(world)
    world.far.plan(refused("401"))
    world.advance(HOUR)
    world.reload(**world.section("upload", concurrency=3))
    world.lanes.held.add("upload")
    world.wish("resume")
    world.advance(10)
    assert len(world.daemon.flights) == 1


@pytest.mark.parametrize("code", ["429", "402", "401", "403"])
def test_a_closed_gate_is_closed_after_a_restart_and_following_goes_on(world: World, code: str):
    first = world.put("first.mp4")
    world.until(lambda: world.state(first) is State.INDEXING)
    world.put("a.mp4")
    world.far.plan(*[Fate(answer(code, retry_after=50_000.0))] * 5)
    world.until(lambda: world.daemon.keeper.closed)
    (before,) = world.daemon.keeper.closed
    world.restart()
    assert world.daemon.keeper.closed == (before,)
    sent = len(world.far.attempts)
    world.advance(600)
    assert len(world.far.attempts) == sent
    assert world.state(first) is State.PARSED


GATES = [
    GateName.PAUSED,
    GateName.CREDITS,
    GateName.RATE_LIMIT,
    GateName.INDEXING_CAP,
    GateName.BUDGET,
]


@pytest.mark.parametrize("name", GATES)
def test_a_lost_answer_is_looked_for_behind_closed_gates(world: World, name: GateName):
    path = world.put("a.mp4")
    world.far.plan(LOST_BUT_STORED)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.daemon.keeper.hold(name, detail="closed by this test")
    world.advance(HOUR)
    assert world.state(path) is State.PARSED
    assert len(world.far.attempts) == 1


# --- nobody there -------------------------------------------------------------------------------


def test_a_failed_read_closes_the_way_at_once_and_an_answer_opens_it(world: World):
    first = world.put("first.mp4")
    world.until(lambda: world.state(first) is State.INDEXING)
    world.far.down = True
    world.advance(60)
    assert world.gate(GateName.UNREACHABLE) is not None
    world.put("a.mp4")
    world.advance(HOUR)
    assert len(world.far.attempts) == 1
    world.far.down = False
    world.advance(HOUR)
    assert world.gate(GateName.UNREACHABLE) is None
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_a_far_side_that_is_absent_from_the_start_burns_nothing(world: World):
    world.far.down = True
    several(world)
    world.advance(24 * HOUR)
    assert attempts(world) == {0}
    assert world.far.attempts == []
    world.far.down = False
    world.advance(HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_one_lost_upload_is_the_files_own_trouble(world: World):
    path = world.put("a.mp4")
    world.far.plan(CUT)
    world.until(lambda: world.outcomes(path) == ["not_sent"] if world.row(path) else False)
    assert world.daemon.keeper.closed == ()
    assert world.row(path).attempts == 1


@pytest.mark.parametrize("fate", [CUT, DEAD], ids=["cut", "no connection"])
def test_two_lost_uploads_of_different_files_in_a_row_close_the_way(world: World, fate: Fate):
    several(world)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(fate, fate)
    world.until(lambda: len(world.far.attempts) == 2)
    world.run_until_idle()
    assert world.gate(GateName.UNREACHABLE) is not None
    assert sorted(row.attempts for row in world.rows()) == [0, 0, 1]
    world.advance(HOUR)
    assert world.daemon.keeper.closed == ()
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_a_file_that_is_cut_again_and_again_closes_nothing(world: World):
    path = world.put("a.mp4")
    world.far.plan(*[CUT] * 3)
    world.until(lambda: world.row(path) is not None and world.row(path).attempts == 3)
    assert world.daemon.keeper.closed == ()


def test_an_answer_between_two_lost_uploads_makes_them_no_row(world: World):
    several(world)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(CUT, Fate(answer("1"), early=True), CUT)
    world.until(lambda: len(world.far.attempts) == 3)
    world.run_until_idle()
    assert world.gate(GateName.UNREACHABLE) is None


def test_probes_that_find_nobody_burn_no_attempt(world: World):
    """Only one file is left in the queue: it is the probe each time."""
    path, other = several(world, 2)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(*[CUT] * 30)
    world.until(lambda: world.gate(GateName.UNREACHABLE) is not None)
    other.unlink()
    world.advance(6 * HOUR)
    assert world.state(other) is State.GONE
    assert world.row(path).attempts <= 1
    world.advance(24 * HOUR)
    assert world.state(path) is State.PARSED


# --- reads --------------------------------------------------------------------------------------


def test_a_rate_limit_on_reads_slows_reads_only(world: World):
    first = world.put("first.mp4")
    world.until(lambda: world.state(first) is State.INDEXING)
    world.far.fail_reads(*[Trouble(Refusal.RATE, "too fast")] * 6)
    before = len(world.far.reads)
    world.advance(60)
    assert world.daemon.keeper.closed == ()
    assert len(world.far.reads) - before <= 6
    world.advance(900)
    assert world.state(first) is State.PARSED


def test_a_rate_limit_on_a_preflight_slows_reads_and_closes_nothing(world: World):
    several(world, 10)
    world.far.fail_reads(*[Trouble(Refusal.RATE, "too fast")] * 20)
    world.advance(60)
    assert world.daemon.keeper.closed == ()
    assert len(world.far.reads) <= 10
    world.far.read_troubles.clear()
    world.advance(HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}
    assert attempts(world) == {0}


def test_reads_that_the_key_may_not_do_close_the_gate_of_the_key(world: World):
    several(world)
    world.far.fail_reads(*[Trouble(Refusal.AUTH, "who are you")] * 3)
    world.advance(60)
    assert world.gate(GateName.AUTH) is not None
    assert attempts(world) == {0}
    world.wish("resume")
    world.advance(HOUR)
    world.wish("resume")
    world.advance(HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_resume_lets_one_probe_through_every_gate(world: World):
    several(world)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(refused("402"))
    world.until(lambda: world.gate(GateName.CREDITS) is not None)
    world.wish("pause")
    answer = world.wish("resume")
    assert "credits" in answer["text"]
    world.advance(300)
    assert {row.state for row in world.rows()} == {State.PARSED}
    assert world.daemon.keeper.closed == ()


def test_a_gate_closed_by_two_troubles_waits_for_both(world: World):
    several(world)
    world.restart(**world.section("upload", concurrency=1))
    world.far.plan(RATE, replace(refused("402")))
    world.until(lambda: len(world.daemon.keeper.closed) == 2)
    until = max(gate.until for gate in world.daemon.keeper.closed)
    sent = len(world.far.attempts)
    world.advance(until - world.now().wall - 1)
    assert len(world.far.attempts) == sent
    world.advance(600)
    assert {row.state for row in world.rows()} == {State.PARSED}
