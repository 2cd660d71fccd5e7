"""The guard: an archive or a surge waits for a person, whatever happens (interface 4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingestd.config import Guard
from ingestd.daemon.once import Once, Pass
from ingestd.errors import Exit
from ingestd.model import Reason, State
from world import World, worlds

if TYPE_CHECKING:
    from pathlib import Path

FEW = Guard(max_files=8, first_look_files=5)
FIRST_LOOK, SURGE = (State.HELD, Reason.FIRST_LOOK), (State.HELD, Reason.SURGE)
PARSED = (State.PARSED, None)


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path, guard=FEW)


def standing(world: World) -> Counter[tuple[State, Reason | None]]:
    return Counter((row.state, row.reason) for row in world.rows())


def put(world: World, count: int, start: int = 0, *, at: str = "") -> list[Path]:
    return [world.put(f"{at}clip{number:03}.mp4") for number in range(start, start + count)]


def other_folder(world: World, count: int, name: str = "archive") -> Path:
    """A second place with clips of its own; not watched yet."""
    place = world.place / name
    place.mkdir()
    for number in range(count):
        (place / f"{name}{number}.mp4").write_bytes(world.content(f"{name}{number}"))
    return place


def watch_too(world: World, place: Path, **changes) -> None:
    folders = (*world.settings.folders, world.folder(place, name=place.name, **changes))
    world.reload(folders=folders)


# --- the first look -----------------------------------------------------------------------------


def test_more_than_the_limit_at_the_first_look_is_held_all_of_it(world: World):
    put(world, 6)
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6}
    assert world.far.attempts == []
    assert {len(world.journal.history(row.id)) for row in world.rows()} == {1}
    assert len(world.events.named("guard.first_look")) == 1


def test_as_many_as_the_limit_go_without_having_been_held(world: World):
    paths = put(world, 5)
    world.advance(600)
    assert standing(world) == {PARSED: 5}
    assert world.way(paths[0])[0] == "queued"


def test_few_now_and_some_more_later_all_go(world: World):
    put(world, 5)
    world.advance(300)
    put(world, 3, 5)
    world.advance(300)
    assert standing(world) == {PARSED: 8}


def test_what_comes_after_a_held_first_look_goes_by_the_surge_brake(world: World):
    put(world, 6)
    world.advance(60)
    put(world, 9, 6)
    world.advance(300)
    assert standing(world) == {FIRST_LOOK: 6, PARSED: 8, SURGE: 1}


def test_what_is_still_written_at_the_first_look_does_not_count(world: World):
    put(world, 5)
    growing = world.drop / "growing.mp4"
    for size in (1000, 2000, 3000):
        growing.write_bytes(world.content("growing")[:size])
        world.advance(9)
    assert len(world.bodies()) > 0
    growing.write_bytes(world.content("growing"))
    world.advance(300)
    assert standing(world) == {PARSED: 6}


def test_what_is_no_valid_new_file_does_not_count(world: World):
    for number in range(4):
        (world.drop / f"wrong{number}.mp4").write_bytes(b"no video at all, whatever its name says")
        (world.drop / f"raw{number}.mxf").write_bytes(b"not taken")
        world.put(f"copy{number}.mp4", salt="the same")
    put(world, 4)
    world.advance(600)
    assert standing(world)[PARSED] == 5
    assert standing(world)[(State.DUPLICATE, None)] == 3
    assert not any(state is State.HELD for state, _ in standing(world))


def test_copies_of_what_is_held_become_its_duplicates_and_do_not_count(world: World):
    put(world, 6)
    for number in range(3):
        world.put(f"again{number}.mp4", salt="clip000.mp4")
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6, (State.DUPLICATE, None): 3}
    assert world.far.attempts == []


def test_a_restart_in_the_middle_neither_forgets_nor_releases(world: World):
    put(world, 12)
    world.until(lambda: 0 < len(world.rows()) < 12)
    for _ in range(3):
        world.restart()
        world.step()
        world.restart()
        world.lanes.run(most=2)
        world.step()
    world.restart()
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 12}
    assert world.far.attempts == []


@pytest.mark.parametrize("steps", range(1, 60, 7))
def test_a_kill_at_any_point_of_the_first_look_lets_nothing_go(world: World, steps: int):
    put(world, 7)
    for _ in range(steps):
        world.step()
        world.lanes.run(most=1)
        world.elapsed += 1.0
    world.restart()
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 7}


def test_files_that_come_while_the_first_pass_is_not_complete_belong_to_it(world: World):
    """The root cannot be read to its end at first: an incomplete pass is no look."""
    world.restart(folders=(world.folder(world.place / "late"),))
    late = world.place / "late"
    late.rmdir()
    world.advance(60)
    late.mkdir()
    for number in range(6):
        (late / f"{number}.mp4").write_bytes(world.content(f"late{number}"))
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6}


def test_an_unreadable_candidate_holds_up_no_first_look(world: World):
    put(world, 5)
    for number in range(3):
        (world.drop / f"part{number}.mp4").write_bytes(world.content(f"p{number}")[:900])
    world.advance(600)
    assert standing(world) == {PARSED: 5}


def test_a_file_without_quiet_time_waits_for_the_end_of_the_first_pass(world: World):
    world.restart(folders=(world.folder(world.drop, settle=0.0),))
    put(world, 6)
    world.advance(300)
    assert standing(world) == {FIRST_LOOK: 6}


def test_a_folder_that_is_added_later_is_looked_at_for_the_first_time(world: World):
    put(world, 3)
    world.advance(300)
    watch_too(world, other_folder(world, 6))
    world.advance(600)
    assert standing(world) == {PARSED: 3, FIRST_LOOK: 6}


def test_a_folder_that_is_renamed_in_the_configuration_is_no_new_one(world: World):
    put(world, 6)
    world.advance(60)
    world.wish("approve", ids=[row.id for row in world.rows()])
    world.reload(folders=(world.folder(world.drop, name="other name"),))
    world.advance(600)
    assert standing(world) == {PARSED: 6}
    assert {row.folder for row in world.rows()} == {"other name"}
    put(world, 6, 6)
    world.advance(600)
    assert standing(world) == {PARSED: 12}


def test_an_unanswered_first_look_stays_one_when_the_folder_comes_back(world: World):
    put(world, 6)
    world.advance(60)
    world.reload(folders=(world.folder(world.place / "elsewhere"),))
    world.advance(60)
    world.reload(folders=(world.folder(world.drop),))
    put(world, 2, 6)
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 8}


def test_a_lost_journal_bills_nothing_unasked_and_adopts_after_approval(world: World):
    world.restart(guard=Guard(max_files=0))
    put(world, 6)
    world.advance(600)
    assert len(world.far.library) == 6
    for file in world.state_dir.iterdir():
        file.unlink()
    world.restart(guard=FEW)
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6}
    world.wish("approve", ids=[row.id for row in world.rows()])
    world.advance(600)
    assert standing(world) == {PARSED: 6}
    assert len(world.far.library) == 6


def test_a_held_file_comes_back_as_it_went(world: World):
    paths = put(world, 6)
    world.advance(60)
    away = paths[0].rename(world.place / "away.mp4")
    world.advance(120)
    assert world.state(paths[0]) is State.GONE
    away.rename(paths[0])
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6}
    assert world.way(paths[0]) == ["held", "gone", "held"]


def test_the_copy_of_a_held_file_that_vanishes_waits_in_its_place(world: World):
    paths = put(world, 6)
    world.advance(60)
    copy = world.put("copy.mp4", salt="clip000.mp4")
    world.advance(120)
    assert world.state(copy) is State.DUPLICATE
    paths[0].unlink()
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6, (State.GONE, Reason.VANISHED): 1}
    assert world.far.attempts == []


# --- the surge brake ----------------------------------------------------------------------------


def test_what_exceeds_the_window_is_held_and_what_comes_after_it_goes(world: World):
    world.advance(60)
    put(world, 10)
    world.advance(600)
    assert standing(world) == {PARSED: 8, SURGE: 2}
    assert len(world.events.named("guard.surge")) == 1
    world.advance(3600)
    put(world, 1, 10)
    world.advance(300)
    assert standing(world) == {PARSED: 9, SURGE: 2}


def test_the_window_survives_a_restart(world: World):
    world.advance(60)
    put(world, 5)
    world.advance(300)
    world.restart()
    put(world, 5, 5)
    world.advance(300)
    assert standing(world) == {PARSED: 8, SURGE: 2}


def test_bytes_within_the_window_are_braked_too(world: World):
    size = len(world.content("x"))
    world.restart(guard=replace(FEW, max_bytes=int(2.5 * size)))
    world.advance(60)
    put(world, 4)
    world.advance(300)
    assert standing(world) == {PARSED: 2, SURGE: 2}


def test_a_rename_and_a_copy_do_not_count(world: World):
    world.advance(60)
    (path,) = put(world, 1)
    world.advance(300)
    for number in range(12):
        path = path.rename(world.drop / f"renamed{number}.mp4")
        world.advance(30)
    put(world, 7, 1)
    world.advance(600)
    assert standing(world)[PARSED] == 8
    assert standing(world)[SURGE] == 0


def test_a_lookalike_that_is_held_was_suspected_first_and_is_not_sent(world: World):
    """A suspicion that proves wrong makes it a new file, which the brake holds."""
    from test_daemon_content import put_lookalikes  # noqa: PLC0415

    world.restart(guard=Guard(max_files=1, first_look_files=5))
    world.advance(60)
    put_lookalikes(world, b"A", b"B")
    world.advance(600)
    assert standing(world) == {PARSED: 1, SURGE: 1}


def test_nothing_is_held_when_it_is_off(world: World):
    world.restart(guard=Guard(max_files=0, first_look_files=0))
    put(world, 12)
    world.advance(900)
    assert standing(world) == {PARSED: 12}


def test_switching_it_off_releases_nothing_that_waits_for_a_person(world: World):
    put(world, 6)
    world.advance(60)
    world.reload(guard=Guard(max_files=0))
    put(world, 1, 6)
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 6, PARSED: 1}


# --- what people say ----------------------------------------------------------------------------


def test_what_is_approved_is_not_held_again(world: World):
    paths = put(world, 6)
    world.advance(60)
    answer = world.wish("approve", ids=[row.id for row in world.rows()])
    assert len(answer["done"]) == 6
    away = paths[3].rename(world.place / "away.mp4")
    world.restart(guard=Guard(max_files=1, first_look_files=0))
    world.advance(300)
    away.rename(paths[3])
    world.advance(600)
    assert standing(world) == {PARSED: 6}
    assert len(world.far.library) == 6


def test_what_is_approved_goes_in_the_order_in_which_it_was_held(world: World):
    put(world, 9)
    world.restart(upload=replace(world.settings.upload, concurrency=1))
    world.advance(60)
    held = list(world.rows())
    world.wish("approve", ids=[row.id for row in held])
    world.advance(900)
    assert world.bodies() == [row.path for row in held]


def test_add_takes_a_file_past_the_guard_and_counts_for_nothing(world: World):
    put(world, 6)
    world.advance(60)
    outside = other_folder(world, 20)
    assert world.wish("add", paths=[str(outside)])["taken"] == 20
    world.advance(900)
    assert standing(world) == {FIRST_LOOK: 6, PARSED: 20}
    world.wish("add", paths=[str(world.drop / "clip003.mp4")])
    world.advance(300)
    assert world.state(world.drop / "clip003.mp4") is State.PARSED
    put(world, 8, 6)
    world.advance(600)
    assert standing(world) == {FIRST_LOOK: 5, PARSED: 29}


def test_many_are_approved_in_portions_between_which_the_loop_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ingestd.daemon.people.wishes.PORTION", 2)
    put(world, 7)
    world.advance(60)
    ids = [row.id for row in world.rows()]
    from ingestd.journal import add_wish  # noqa: PLC0415

    wish = add_wish(world.state_dir, "approve", {"ids": ids}, world.now().wall)
    world.ask("wake")
    world.step()
    assert 0 < world.journal.counts()[State.HELD] < 7
    assert world.journal.wish(wish).done_at is None
    world.restart()  # it is done from its beginning, and what was done is not refused
    world.run_until_idle()
    assert world.journal.wish(wish).result["done"] == ids
    assert world.journal.counts()[State.HELD] == 0


# --- one pass -----------------------------------------------------------------------------------


def a_pass(world: World) -> Pass:
    daemon = world.daemon
    return Pass(
        Once(), world.ctx, daemon.seeing, daemon.tracker, daemon.keeper, lambda: daemon.busy
    )


def test_a_pass_with_held_files_ends_1_this_time_and_the_next(world: World):
    put(world, 6)
    for _ in range(2):
        once = a_pass(world)
        world.advance(60)
        assert once.over() is Exit.PROBLEMS
        assert "6 held" in once.why(Exit.PROBLEMS)
        world.restart()
    world.wish("approve", ids=[row.id for row in world.rows()])
    world.advance(600)
    assert standing(world) == {PARSED: 6}


def test_a_pass_does_not_end_while_a_first_look_is_undecided(world: World):
    """More lie there than the limit, and most of them turn out to be no videos."""
    put(world, 4)
    for number in range(5):
        (world.drop / f"wrong{number}.mp4").write_bytes(b"no video at all, whatever its name says")
    once = a_pass(world)
    world.until(lambda: once.over() is not None)
    assert standing(world)[PARSED] == 4
    assert once.over() is Exit.PROBLEMS  # for what was rejected
