"""One pass (`run --once`): when it is over, and with which exit code (interface 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST_BUT_STORED, Fate, answer, refused
from ingestd.daemon.once import Once, Pass
from ingestd.errors import Exit
from ingestd.journal import add_wish
from ingestd.model import State
from ingestd.remote.contract import Refusal, Trouble
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def ends(world: World, *, limit: float = 7200.0, **once: object) -> Exit | None:
    """Run one pass as the service does; None: it did not end in time."""
    daemon = world.daemon
    desks = daemon.seeing, daemon.tracker, daemon.keeper, lambda: daemon.busy
    one = Pass(Once(**once), world.ctx, *desks)
    end = world.elapsed + limit
    while world.elapsed < end:
        deadline = world.step()
        over = one.over()
        if over is not None:
            return over
        if not world.lanes.run(most=1) and not world.inbox:
            if deadline is None:
                return None
            world.elapsed += max(deadline - world.now().mono, 0.001)
    return None


def test_with_nothing_to_do_it_ends_at_once_and_well(world: World):
    assert ends(world) is Exit.DONE
    assert world.elapsed < 5


def test_it_ends_when_all_is_searchable(world: World):
    paths = [world.put("a.mp4"), world.put("card/b.mp4")]
    assert ends(world) is Exit.DONE
    assert {world.state(path) for path in paths} == {State.PARSED}


def test_what_is_known_already_is_done(world: World):
    world.put("a.mp4")
    world.advance(200)
    world.put("copy.mp4", salt="a.mp4")
    world.restart()
    assert ends(world) is Exit.DONE
    assert len(world.bodies()) == 1


def test_it_may_end_with_the_uploads(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(indexed_as="UNPARSE"))
    assert ends(world, until="uploaded") is Exit.DONE
    assert world.state(path) is State.INDEXING


def test_a_lost_answer_is_waited_for(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(LOST_BUT_STORED.reply, stored=True, visible_after=300.0))
    assert ends(world, until="uploaded") is Exit.DONE
    assert world.state(path) is State.INDEXING


@pytest.mark.parametrize("fate", [Fate(indexed_as="FAIL"), Fate(answer(http=415))])
def test_a_failed_file_is_a_problem(world: World, fate: Fate):
    world.put("a.mp4")
    world.put("b.mp4")
    world.far.plan(fate)
    assert ends(world) is Exit.PROBLEMS
    assert sorted(row.state for row in world.rows()) == [State.FAILED, State.PARSED]


def test_a_rejected_file_is_a_problem(world: World):
    (world.drop / "a.mp4").write_bytes(b"no video at all, whatever its name says")
    assert ends(world) is Exit.PROBLEMS


def test_an_unfinished_file_is_a_problem_and_is_not_waited_for(world: World):
    path = world.put("a.mp4")
    half = world.drop / "half.mp4"
    half.write_bytes(world.content("half")[:2000])
    assert ends(world) is Exit.PROBLEMS
    assert world.state(path) is State.PARSED
    assert world.elapsed < 300


def test_a_missing_folder_is_a_problem_and_is_not_waited_for(world: World):
    other = world.place / "other"
    world.restart(folders=(world.folder(world.drop), world.folder(other)))
    other.rmdir()
    path = world.put("a.mp4")
    assert ends(world) is Exit.PROBLEMS
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("gone", ["missing", "not configured"])
def test_what_waits_for_a_folder_that_is_not_there_is_a_problem_and_not_waited_for(
    world: World, gone: str
):
    world.wish("pause")
    world.put("a.mp4")
    world.until(lambda: len(world.rows()) == 1)
    add_wish(world.state_dir, "resume", {}, world.now().wall)
    other = world.place / "other"
    if gone == "missing":
        world.drop.rename(world.place / "elsewhere")
        world.restart()
    else:
        world.restart(folders=(world.folder(other),))
    assert ends(world) is Exit.PROBLEMS
    assert [row.state for row in world.rows()] == [State.QUEUED]


@pytest.mark.parametrize("code", ["401", "402", "403"])
def test_what_only_a_person_can_mend_ends_it_early(world: World, code: str):
    world.put("a.mp4")
    world.put("b.mp4")
    world.far.plan(*[refused(code)] * 100)
    assert ends(world) is Exit.STOPPED_EARLY
    assert world.elapsed < 300


def test_a_pause_ends_it_early_but_not_before_what_can_go_on(world: World):
    first = world.put("a.mp4")
    world.until(lambda: world.state(first) is State.INDEXING)
    world.wish("pause")
    world.put("b.mp4")
    assert ends(world) is Exit.STOPPED_EARLY
    assert world.state(first) is State.PARSED


@pytest.mark.parametrize("minutes", [0.0, 0.04], ids=["longer than all of it", "used up"])
def test_a_budget_ends_it_early(world: World, minutes: float):
    """A clip plays for 1.5 s, which is 0.025 min."""
    world.restart(**world.section("budget", minutes_per_day=minutes))
    world.put("a.mp4")
    world.put("b.mp4")
    assert ends(world) is Exit.STOPPED_EARLY
    assert len(world.far.library) == (1 if minutes else 0)


def test_a_pause_with_nothing_waiting_is_no_trouble(world: World):
    world.wish("pause")
    assert ends(world) is Exit.DONE


def test_a_key_that_is_refused_while_indexing_is_followed_ends_it_early(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    world.far.fail_reads(*[Trouble(Refusal.AUTH, "who are you")] * 10_000)
    assert ends(world) is Exit.STOPPED_EARLY


def test_what_mends_itself_is_waited_for(world: World):
    path = world.put("a.mp4")
    world.far.plan(*[refused("429")] * 6)
    assert ends(world) is Exit.DONE
    assert world.state(path) is State.PARSED


def test_its_time_limit_ends_it_early(world: World):
    world.put("a.mp4")
    world.far.plan(Fate(indexed_as="UNPARSE"))
    assert ends(world, timeout=600.0) is Exit.STOPPED_EARLY
    assert 600 <= world.elapsed <= 700


def test_what_a_former_run_left_undone_is_part_of_it(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.restart()
    assert ends(world) is Exit.DONE
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("left", [State.QUEUED, State.INDEXING])
def test_with_paths_too_what_a_former_run_left_undone_is_part_of_it(world: World, left: State):
    path = world.put("card/a.mp4")
    world.until(lambda: world.state(path) is left)
    world.restart()
    assert ends(world, paths=(str(world.drop / "card"),)) is Exit.DONE
    assert world.state(path) is State.PARSED


def test_with_paths_the_problems_of_others_do_not_count(world: World):
    path = world.put("card/a.mp4")
    (world.drop / "bad.mp4").write_bytes(b"no video at all, whatever its name says")
    assert ends(world, paths=(f"{world.drop}/card/",)) is Exit.DONE
    assert world.state(path) is State.PARSED


def test_with_paths_a_like_named_neighbour_is_another_file(world: World):
    world.put("card/a.mp4")
    (world.drop / "card 2").mkdir()
    (world.drop / "card 2/bad.mp4").write_bytes(b"no video at all, whatever its name says")
    assert ends(world, paths=(str(world.drop / "card"),)) is Exit.DONE


def test_copies_that_still_wait_for_their_proof_are_waited_for(world: World):
    for name in "abc":
        world.put(f"{name}.mp4", salt="the same")
    assert ends(world) is Exit.DONE
    assert sorted({row.state for row in world.rows()}) == [State.DUPLICATE, State.PARSED]
