"""From acceptance to the final status: few questions, no second upload (rules R2, R3)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from fake_farside import Fate
from ingestd.model import Reason, State
from ingestd.remote.contract import Page
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR, DAY = 3600.0, 86_400.0
STUCK = Fate(indexed_as="UNPARSE")


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def indexing(world: World, count: int = 1, fate: Fate = STUCK) -> list[Path]:
    """Files that were just accepted."""
    paths = [world.put(f"{number}.mp4") for number in range(count)]
    world.far.plan(*[fate] * count)
    world.until(lambda: all(world.state(path) is State.INDEXING for path in paths))
    world.far.reads.clear()
    return paths


def polls(world: World) -> list[str]:
    return [call for call in world.far.reads if "metadata" in call or "nos=0" not in call]


# --- how is asked -------------------------------------------------------------------------------


def test_a_single_video_is_asked_for_by_its_number(world: World):
    (path,) = indexing(world)
    world.advance(6)
    (call,) = polls(world)
    assert call == f"metadata {world.row(path).video_no} unique_id=default"


def test_many_videos_share_one_question(world: World):
    world.restart(**world.section("upload", concurrency=30))
    indexing(world, 30)
    world.advance(6)
    assert len(polls(world)) == 1
    assert "nos=30" in polls(world)[0]


def test_what_a_list_hides_is_asked_for_by_number(world: World, monkeypatch):
    paths = indexing(world, 5, Fate())
    monkeypatch.setattr(world.far, "list_videos", lambda *_, **__: Page((), 1, 0))
    world.advance(900)
    assert {world.state(path) for path in paths} == {State.PARSED}


def test_the_delay_between_two_questions_grows_from_its_smallest_to_its_largest(world: World):
    indexing(world)
    asked: list[float] = []
    real = world.far.metadata
    world.far.metadata = lambda *args: (asked.append(world.elapsed), real(*args))[1]
    world.advance(2 * HOUR)
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert gaps[0] == pytest.approx(7.5)
    assert gaps == sorted(gaps)
    assert max(gaps) == pytest.approx(300.0)
    assert len(gaps) < 40


def test_a_video_that_is_not_shown_yet_is_asked_for_on(world: World):
    (path,) = indexing(world, 1, Fate(visible_after=400.0))
    world.advance(390)
    assert world.state(path) is State.INDEXING
    world.advance(600)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PARSE", State.PARSED),
        ("FAIL", State.FAILED),
        ("FAILED", State.FAILED),
        ("PARSE_ERROR", State.FAILED),
        ("ERROR", State.FAILED),
        ("UNPARSE", State.INDEXING),
        ("PENDING", State.INDEXING),
        ("PROCESSING", State.INDEXING),
        ("UPLOADING", State.INDEXING),
        ("DONE", State.INDEXING),
        ("", State.INDEXING),
        ("ANYTHING ELSE", State.INDEXING),
    ],
)
@pytest.mark.parametrize("count", [1, 4])
def test_every_spelling_of_the_status_is_understood(
    world: World, status: str, state: State, count: int
):
    paths = indexing(world, count, Fate(indexed_as=status))
    world.advance(600)
    assert {world.state(path) for path in paths} == {state}


# --- how it ends --------------------------------------------------------------------------------


def test_a_failed_indexing_is_paid_and_never_sent_again_by_itself(world: World):
    (path,) = indexing(world, 1, Fate(indexed_as="FAIL"))
    world.advance(600)
    row = world.row(path)
    assert (row.state, row.reason) == (State.FAILED, Reason.INDEXING_FAILED)
    assert "billed" in row.detail
    assert "--pay-again" in row.detail
    for _ in range(3):
        world.restart()
        world.advance(DAY)
    assert world.state(path) is State.FAILED
    assert len(world.bodies()) == 1


def test_retry_follows_a_paid_video_again_and_sends_nothing(world: World):
    (path,) = indexing(world, 1, Fate(indexed_as="FAIL"))
    world.advance(600)
    world.far.library[0].indexed_as = "PARSE"
    row = world.row(path)
    assert world.wish("retry", ids=[row.id])["done"] == [row.id]
    world.advance(600)
    assert world.way(path)[-3:] == ["failed", "indexing", "parsed"]
    assert len(world.bodies()) == 1


def test_after_the_deadline_a_row_is_failed_but_paid(world: World):
    (path,) = indexing(world)
    world.advance(23 * HOUR)
    assert world.state(path) is State.INDEXING
    world.advance(2 * HOUR)
    row = world.row(path)
    assert (row.state, row.reason) == (State.FAILED, Reason.INDEXING_DEADLINE)
    assert row.video_no in row.detail


def test_a_late_end_is_noticed_within_a_day(world: World):
    (path,) = indexing(world)
    world.advance(5 * DAY)
    assert world.row(path).reason is Reason.INDEXING_DEADLINE
    world.far.library[0].indexed_as = "PARSE"
    world.advance(DAY + HOUR)
    assert world.way(path)[-2:] == ["failed", "parsed"]
    assert world.row(path).reason is None
    assert len(world.bodies()) == 1


def test_a_late_failure_is_told_and_asked_for_no_more(world: World):
    (path,) = indexing(world)
    world.advance(2 * DAY)
    world.far.library[0].indexed_as = "FAIL"
    world.advance(DAY + HOUR)
    assert world.row(path).reason is Reason.INDEXING_FAILED
    world.far.reads.clear()
    world.advance(10 * DAY)
    assert polls(world) == []


def test_after_the_deadline_it_is_asked_for_daily_for_30_days(world: World):
    seldom = world.folder(world.drop, poll_interval=6 * HOUR, rescan_interval=6 * HOUR)
    world.restart(folders=(seldom,))
    indexing(world)
    world.advance(2 * DAY)
    world.far.reads.clear()
    world.advance(60 * DAY)
    assert 28 <= len(polls(world)) <= 31


def test_the_deadline_is_spent_by_answered_questions_only(world: World):
    (path,) = indexing(world)
    world.advance(HOUR)
    spent = world.row(path).asked_s
    world.far.down = True
    world.advance(3 * DAY)
    assert world.state(path) is State.INDEXING
    assert world.row(path).asked_s == spent
    world.far.down = False
    world.advance(22 * HOUR)
    assert world.state(path) is State.INDEXING
    world.advance(3 * HOUR)
    assert world.state(path) is State.FAILED


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_step_of_the_wall_clock_spends_nothing_of_the_deadline(world: World, step: float):
    (path,) = indexing(world)
    world.advance(HOUR)
    world.wall_error += step
    world.advance(20 * HOUR)
    assert world.state(path) is State.INDEXING
    world.advance(8 * HOUR)
    assert world.state(path) is State.FAILED


def test_downtime_spends_nothing_of_the_deadline(world: World):
    (path,) = indexing(world)
    world.advance(HOUR)
    world.elapsed += 3 * DAY
    world.restart()
    world.advance(HOUR)
    assert world.state(path) is State.INDEXING


def test_an_outage_ends_for_late_rows_too(world: World):
    """A question that failed after the deadline is asked again soon, and then daily."""
    (path,) = indexing(world)
    world.advance(2 * DAY)
    world.far.down = True
    world.advance(2 * DAY)
    world.far.down = False
    world.far.library[0].indexed_as = "PARSE"
    world.advance(2 * HOUR)
    assert world.state(path) is State.PARSED


def test_a_video_deleted_after_it_was_searchable_changes_nothing(world: World):
    (path,) = indexing(world, 1, Fate())
    world.advance(200)
    world.far.delete(world.row(path).video_no)
    world.restart()
    world.advance(DAY)
    assert world.state(path) is State.PARSED


def test_indexing_is_followed_across_a_restart(world: World):
    paths = indexing(world, 3, Fate())
    world.restart()
    world.advance(300)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert len(world.bodies()) == 3
