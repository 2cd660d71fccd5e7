"""The cap of the far side's indexing queue: learned by the daemon and waited for (rules R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import TAKEN, Fate, answer, refused
from ingestd.model import GateName, State
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.remote.contract import Upload
    from world import World

HOUR = 3600.0
RATE = refused("429")


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


#: The same refusal by a code that may mean anything (contract 5.2, 5.3).
LIMIT = Fate(answer("1", says="Request has exceeded the limit."))


class Queue:
    """A far side that takes so many clips at a time into its indexing queue."""

    def __init__(self, world: World, cap: int, says: Fate = RATE) -> None:
        self.world, self.cap, self.says = world, cap, says
        world.far.judge = self.judge

    def judge(self, _upload: Upload) -> Fate:
        now = self.world.far.clock()
        young = [row for row in self.world.far.library if row.video.create_time > now - 7200]
        return self.says if sum(row.indexed_at > now for row in young) >= self.cap else TAKEN


def several(world: World, count: int) -> list[Path]:
    return [world.put(f"{number:02}.mp4") for number in range(count)]


def at_once(world: World, many: int = 1, per_minute: float | None = None) -> None:
    world.restart(**world.section("upload", concurrency=many, per_minute=per_minute))


def known(world: World) -> int | None:
    kept = world.journal.meta("indexing_cap")
    return kept["known"] if isinstance(kept, dict) else None


def sent(world: World) -> int:
    return len(world.far.attempts)


@pytest.mark.parametrize("per_minute", [None, 60.0, 1.0])
def test_the_cap_is_learned_from_refusals_for_two_minutes(world: World, per_minute: float | None):
    at_once(world, per_minute=per_minute)
    world.far.index_s = 4 * HOUR
    Queue(world, 5)
    several(world, 8)
    world.until(lambda: world.far.attempts and world.gate(GateName.RATE_LIMIT) is not None)
    world.advance(121)
    gate = world.gate(GateName.INDEXING_CAP)
    assert gate is not None
    assert "5 clips" in gate.detail
    assert world.gate(GateName.RATE_LIMIT) is None
    assert gate.until == pytest.approx(world.now().wall + 600, abs=5)
    assert {row.attempts for row in world.rows()} == {0}


def test_then_one_upload_tries_every_ten_minutes(world: World):
    at_once(world)
    world.far.index_s = 4 * HOUR
    Queue(world, 5)
    several(world, 8)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    before = sent(world)
    world.advance(HOUR + 60)
    assert sent(world) - before == 6
    assert len(world.far.library) == 5


def test_or_as_soon_as_a_clip_is_through(world: World):
    at_once(world)
    world.far.index_s = 4 * HOUR
    Queue(world, 5)
    several(world, 8)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    before = sent(world)
    world.far.library[0].indexed_at = 0.0
    world.until(lambda: len(world.far.library) == 6, limit=310)
    assert sent(world) == before + 1
    world.run_until_idle()
    gate = world.gate(GateName.INDEXING_CAP)  # it is full again, and nobody need be alarmed
    assert gate.since == world.now().wall


def test_what_is_known_is_not_tried_again_by_sending(world: World):
    """A long queue: after the cap is known hardly a body goes out in vain."""
    at_once(world, many=2)
    world.far.index_s = 900.0
    Queue(world, 5)
    several(world, 40)
    world.advance(24 * HOUR)
    assert {row.state for row in world.rows()} == {State.PARSED}
    in_vain = sent(world) - 40
    assert in_vain < 20
    assert known(world) == 5
    assert world.daemon.keeper.closed == ()


def test_it_survives_a_restart(world: World):
    at_once(world)
    world.far.index_s = 4 * HOUR
    Queue(world, 5)
    several(world, 8)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    before = world.gate(GateName.INDEXING_CAP)
    world.restart()
    world.advance(60)
    assert world.gate(GateName.INDEXING_CAP) == before
    assert known(world) == 5


def test_a_larger_cap_is_found_one_by_one(world: World):
    at_once(world)
    world.far.index_s = 12 * HOUR
    queue = Queue(world, 3)
    several(world, 12)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    queue.cap = 100
    world.advance(HOUR)
    assert known(world) == 3 + 6


def test_a_success_within_two_minutes_makes_it_a_matter_of_the_rate(world: World):
    at_once(world)
    world.far.index_s = 4 * HOUR
    world.far.plan(TAKEN, TAKEN, RATE, RATE)
    several(world, 5)
    world.advance(HOUR)
    assert len(world.far.library) == 5
    assert known(world) is None


def test_what_is_older_than_two_hours_does_not_count(world: World):
    at_once(world)
    world.far.index_s = 5 * HOUR
    several(world, 3)
    world.advance(2 * HOUR + 60)
    world.far.judge = lambda _upload: RATE
    world.put("late.mp4")
    world.advance(HOUR)
    assert known(world) is None
    assert world.gate(GateName.RATE_LIMIT) is not None


def test_following_goes_on_and_an_empty_queue_opens_the_gate(world: World):
    at_once(world)
    Queue(world, 3)
    world.far.index_s = HOUR
    paths = several(world, 5)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    for path in paths:
        if world.state(path) is State.QUEUED:
            path.unlink()
    world.advance(3 * HOUR)
    assert world.journal.counts()[State.PARSED] == 3
    assert world.gate(GateName.INDEXING_CAP) is None


def test_resume_lets_one_try_at_once(world: World):
    at_once(world)
    world.far.index_s = 4 * HOUR
    queue = Queue(world, 3)
    several(world, 6)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    queue.cap = 100
    before = sent(world)
    assert "indexing_cap" in world.wish("resume")["text"]
    world.advance(10)
    assert sent(world) == before + 1


# --- said by a code that may mean anything ------------------------------------------------------


def test_a_cap_that_is_said_in_words_alone_is_learned_and_burns_no_attempt(world: World):
    world.restart(**world.section("upload", concurrency=2, per_minute=None, max_attempts=3))
    world.far.index_s = HOUR
    Queue(world, 3, says=LIMIT)
    paths = several(world, 8)
    world.until(lambda: world.gate(GateName.INDEXING_CAP) is not None)
    assert known(world) == 3
    world.advance(6 * HOUR)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert {row.attempts for row in world.rows()} == {0}
    assert world.far.paid_twice == []
    assert sent(world) < 40


def test_words_of_a_limit_while_nothing_is_in_the_queue_are_the_files_own_matter(world: World):
    """Some checks of parameters use the same words: it is not tried for ever (contract 5.3)."""
    world.restart(**world.section("upload", max_attempts=3, per_minute=None))
    path = world.put("a.mp4")
    world.far.judge = lambda _upload: LIMIT
    world.advance(6 * HOUR)
    assert world.row(path).attempts == 3
    assert world.state(path) is State.HELD
    assert sent(world) == 3


def test_a_file_that_is_always_refused_in_words_of_a_limit_holds_up_no_other(world: World):
    world.restart(**world.section("upload", max_attempts=3, per_minute=None, concurrency=1))
    world.far.index_s = 600.0
    poison = world.put("00 poison.mp4")
    world.far.judge = lambda upload: LIMIT if "poison" in upload.path else TAKEN
    others = []
    for number in range(20):
        others.append(world.put(f"{number:02}.mp4"))
        world.advance(300)
    world.advance(8 * HOUR)
    assert {world.state(path) for path in others} == {State.PARSED}
    assert world.state(poison) is State.HELD
    assert world.row(poison).attempts == 3
