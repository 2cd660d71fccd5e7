"""After-actions: when a file is moved or deleted, when it is left, and what its row says then."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST_BUT_STORED
from ingestd.afterwards import disk
from ingestd.config import After, AfterKind
from ingestd.daemon.once import Once, Pass
from ingestd.errors import Exit
from ingestd.journal import DiskFullError
from ingestd.model import Reason, State
from ingestd.watch.volumes import Volume, volume_at
from world import slow_worlds, worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

DELETE = After(AfterKind.DELETE)
DAY = 86_400


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def slow(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def to(world: World, name: str = "done") -> After:
    return After(AfterKind.MOVE_TO, world.place / name)


def use(world: World, **changes: object) -> None:
    """Restart with a changed folder."""
    world.restart(folders=(replace(world.settings.folders[0], **changes),))


def again(world: World, path: Path) -> None:
    if world.poll > 10:
        world.hint(path)


def test_a_searchable_file_is_moved_and_both_paths_name_it(world: World):
    use(world, after_parsed=to(world))
    path = world.put("card/a.mp4")
    world.advance(200)
    moved = world.place / "done/card/a.mp4"
    assert moved.read_bytes() == world.content("card/a.mp4")
    assert not path.exists()
    by_path, by_moved = (world.journal.find(str(one)) for one in (path, moved))
    assert by_path == by_moved
    assert (by_path[0].state, by_path[0].moved_to) == (State.PARSED, str(moved))
    (told,) = world.events.named("file.moved")
    assert told["detail"] == str(moved)
    world.advance(2000)
    assert len(world.rows()) == 1


def test_nothing_is_moved_before_the_state_is_on_disk(world: World, monkeypatch):
    """The journal's disk is full when the row becomes searchable."""
    use(world, after_parsed=to(world))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    monkeypatch.setattr(world.journal, "put_after", full)
    world.advance(300)
    assert world.state(path) is State.INDEXING
    assert path.exists()
    world.restart()
    world.advance(300)
    assert not path.exists()


def full(*_: object) -> None:
    raise DiskFullError("no room")


def test_a_crash_after_the_move_and_before_its_record_is_made_good(world: World):
    use(world, after_parsed=to(world))
    path = world.put("a.mp4")
    world.lanes.held.add("after drop")
    world.advance(200)
    moved = world.place / "done/a.mp4"
    moved.parent.mkdir()
    path.rename(moved)
    world.restart()
    world.advance(60)
    (row,) = world.rows(path)
    assert row.moved_to == str(moved)


def test_a_new_clip_at_the_old_path_is_a_new_row(world: World):
    use(world, after_parsed=to(world))
    path = world.put("GX010001.MP4", salt="first card")
    world.advance(200)
    world.put("GX010001.MP4", salt="second card")
    world.advance(200)
    old, new = world.rows(path)
    assert (old.state, new.state) == (State.PARSED, State.PARSED)
    assert old.moved_to != new.moved_to
    assert len(world.far.library) == 2


def test_a_directory_inside_the_folder_to_move_to_is_not_watched(world: World):
    use(world, after_parsed=to(world, "drop/done"))
    world.put("a.mp4")
    by_hand = world.put("done/by hand.mp4")
    world.advance(600)
    assert [row.moved_to for row in world.rows()] == [str(world.drop / "done/a.mp4")]
    answers = world.ask("explain", path=str(by_hand))
    world.run_until_idle()
    assert "after-actions" in answers[0]["detail"]


def test_a_delete_waits_for_a_week_unless_the_grace_says_otherwise(slow: World):
    use(slow, after_parsed=DELETE)
    path = slow.put("a.mp4")
    slow.advance(6 * DAY)
    assert path.exists()
    slow.advance(2 * DAY)
    assert not path.exists()
    (row,) = slow.rows(path)
    assert (row.state, row.moved_to) == (State.PARSED, None)
    assert row.removed_at is not None
    assert slow.events.named("file.deleted")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_is_set_forward_makes_no_delete_premature(slow: World, restarted: bool):
    use(slow, after_parsed=DELETE)
    path = slow.put("a.mp4")
    slow.advance(DAY)
    slow.wall_error += 300 * DAY
    if restarted:
        slow.restart()
    slow.advance(4 * DAY)
    assert path.exists()
    slow.advance(3 * DAY)
    assert not path.exists()


def test_a_clock_that_is_set_back_puts_nothing_off_for_ever(slow: World):
    use(slow, after_parsed=DELETE)
    path = slow.put("a.mp4")
    slow.advance(DAY)
    slow.wall_error -= 300 * DAY
    slow.advance(7 * DAY)
    assert not path.exists()


def test_a_file_that_is_no_longer_what_was_sent_is_not_deleted(world: World):
    use(world, after_parsed=DELETE, grace=100.0)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED)
    stat = path.stat()
    with path.open("r+b") as file:  # in place, times put back: no scan can see it
        file.seek(-20, os.SEEK_END)
        file.write(b"regraded")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    world.advance(300)
    assert path.exists()
    assert "left where it is" in world.events.named("file.kept")[0]["detail"]


def test_what_was_found_at_memories_ai_and_never_sent_is_not_deleted(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    shutil.rmtree(world.state_dir)
    use(world, after_parsed=DELETE, grace=0.0)
    world.advance(400)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == 1
    assert path.exists()
    assert world.events.named("file.kept")


def test_what_was_sent_and_found_after_a_lost_answer_is_deleted(world: World):
    use(world, after_parsed=DELETE, grace=0.0)
    world.far.plan(LOST_BUT_STORED)
    path = world.put("a.mp4")
    world.until(lambda: not path.exists())
    assert world.rows(path)[0].state is State.PARSED


def test_a_copy_goes_only_when_its_original_is_searchable(world: World):
    use(world, after_duplicate=to(world, "copies"))
    world.far.index_s = 500.0
    first = world.put("a.mp4")
    world.advance(60)
    copy = world.put("copy.mp4", salt="a.mp4")
    world.advance(200)
    assert (world.state(first), world.state(copy)) == (State.INDEXING, State.DUPLICATE)
    assert copy.exists()
    world.advance(600)
    assert not copy.exists()
    late = world.put("late.mp4", salt="a.mp4")
    world.advance(200)
    assert not late.exists()
    assert first.exists()
    assert {row.state for row in world.rows(copy)} == {State.DUPLICATE}


@pytest.mark.parametrize("kind", [AfterKind.MOVE_TO, AfterKind.DELETE])
def test_a_card_that_is_copied_once_more_after_its_files_went_is_tidied_away_too(
    world: World, kind: AfterKind
):
    parsed = to(world) if kind is AfterKind.MOVE_TO else DELETE
    use(world, after_parsed=parsed, after_duplicate=to(world, "copies"), grace=0.0)
    path = world.put("card/a.mp4")
    world.advance(200)
    assert not path.exists()
    again = world.put("card/a.mp4")
    world.advance(200)
    assert not again.exists()
    assert [row.state for row in world.rows(path)] == [State.PARSED, State.DUPLICATE]
    assert (world.place / "copies/card/a.mp4").exists()
    assert (world.place / "done/card/a.mp4").exists() == (kind is AfterKind.MOVE_TO)
    assert len(world.bodies()) == 1


def rejected(world: World, name: str = "a.mp4") -> Path:
    path = world.drop / name
    path.write_bytes(b"no video at all, whatever its name says")
    again(world, path)
    return path


def test_a_rejected_file_is_moved_and_its_row_stays_rejected(world: World):
    use(world, after_rejected=to(world, "bad"))
    path = rejected(world)
    world.advance(300)
    (row,) = world.rows(path)
    assert (row.state, row.moved_to) == (State.REJECTED, str(world.place / "bad/a.mp4"))
    world.advance(300)
    assert world.rows(path)[0].state is State.REJECTED
    rejected(world)
    world.advance(300)
    assert len(world.rows(path)) == 2


def test_a_refused_name_is_not_moved_while_it_is_still_being_written(world: World):
    use(world, after_rejected=to(world, "bad"))
    path = world.drop / "clip.mxf"
    for part in range(60):
        path.write_bytes(b"x" * (part + 1))
        world.advance(5)
        assert path.exists(), part
    world.advance(200)
    assert not path.exists()


def test_an_incomplete_file_is_not_touched_until_it_did_not_change_for_a_day(slow: World):
    use(slow, after_rejected=to(slow, "bad"))
    whole = slow.content("a")
    path = slow.drop / "a.mp4"
    path.write_bytes(whole[:2000])
    again(slow, path)
    slow.advance(DAY)
    assert slow.row(path).reason is Reason.INCOMPLETE
    path.write_bytes(whole[:3000])  # the copy goes on
    slow.advance(DAY)
    assert path.exists()
    slow.advance(1.2 * DAY)
    assert not path.exists()


def test_a_move_that_fails_is_tried_again_ever_more_seldom_and_shown(world: World, monkeypatch):
    use(world, after_parsed=to(world))
    tries = []

    def refused(*_: object) -> None:
        tries.append(world.elapsed)
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(disk, "_rename_new", refused)
    path = world.put("a.mp4")
    world.advance(200)
    (row,) = world.rows(path)
    task = world.journal.after_task(row.id)
    assert "ReadWritePaths" in task.trouble
    assert world.journal.after_totals()["drop"].troubled == 1
    world.calm()
    world.advance(DAY)
    gaps = [b - a for a, b in itertools.pairwise(tries)]
    assert len(tries) < 20
    assert gaps == sorted(gaps)
    assert len(world.events.named("file.after_failed")) == 1
    monkeypatch.undo()
    world.advance(DAY)
    assert not path.exists()


def test_a_hung_destination_holds_up_nothing_else(world: World):
    use(world, after_parsed=to(world))
    world.lanes.held.add("after drop")
    world.put("a.mp4")
    world.advance(200)
    later = world.put("b.mp4")
    world.advance(200)
    assert world.state(later) is State.PARSED


def test_nothing_is_touched_while_a_root_is_not_in_order(world: World):
    use(world, after_parsed=to(world), grace=500.0)
    path = world.put("a.mp4")
    world.advance(200)
    elsewhere = world.place / "elsewhere"
    world.drop.rename(elsewhere)
    world.advance(1000)
    assert not (world.place / "done").exists()
    elsewhere.rename(world.drop)
    world.advance(100)
    assert not path.exists()
    assert (world.place / "done/a.mp4").exists()


def test_rows_that_ended_before_are_left_alone_when_an_action_is_switched_on(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    use(world, after_parsed=to(world))
    world.advance(600)
    assert path.exists()


def test_an_action_that_is_switched_off_is_not_carried_out(world: World):
    use(world, after_parsed=DELETE, grace=300.0)
    path = world.put("a.mp4")
    world.advance(200)
    use(world, after_parsed=After())
    world.advance(600)
    assert path.exists()


def test_a_file_from_elsewhere_is_never_touched(world: World):
    use(world, after_parsed=to(world))
    path = world.place / "stick.mp4"
    path.write_bytes(world.content("x"))
    world.wish("add", paths=[str(path)], folder="drop")
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert path.exists()


def test_emptied_directories_go_and_the_root_stays(world: World):
    use(world, after_parsed=DELETE, grace=0.0, prune_empty=True)
    world.put("card/DCIM/a.mp4")
    world.advance(300)
    assert world.drop.exists()
    assert list(world.drop.iterdir()) == []


def test_one_pass_moves_what_is_due_before_it_ends(world: World):
    use(world, after_parsed=to(world))
    path = world.put("a.mp4")
    daemon = world.daemon
    one = Pass(Once(), world.ctx, daemon.seeing, daemon.tracker, daemon.keeper, lambda: daemon.busy)
    while (over := one.over()) is None:
        deadline = world.step()
        if not world.lanes.run(most=1) and not world.inbox:
            assert deadline is not None
            world.elapsed += max(deadline - world.now().mono, 0.001)
    assert over is Exit.DONE
    assert not path.exists()


def test_another_disk_at_the_destination_gets_nothing_until_it_is_trusted(world: World):
    use(world, after_parsed=to(world))
    world.put("a.mp4")
    world.advance(200)
    other = Volume("ext4", "/dev/sdx1", uuid="of-the-disk-that-is-away")
    world.journal.set_meta("after_places", {str(world.place / "done"): other.document()})
    path = world.put("b.mp4")
    world.advance(300)
    assert path.exists()
    world.wish("trust", folder="drop", volume=volume_at(str(world.drop)).document())
    world.calm()
    world.advance(DAY)
    assert not path.exists()


def test_trying_a_moved_file_again_says_where_it_is(world: World):
    use(world, after_parsed=to(world), after_rejected=to(world, "bad"))
    sent, bad = world.put("a.mp4"), rejected(world, "bad.mp4")
    world.advance(300)
    ids = [world.rows(path)[0].id for path in (sent, bad)]
    said = world.wish("retry", ids=ids, pay_again=True)
    assert said["done"] == []
    assert [f"{world.place}/done/a.mp4" in said["refused"][0]["why"], len(said["refused"])] == [
        True,
        2,
    ]


def test_a_folder_that_is_not_configured_is_left_alone_and_goes_on_when_it_is_back(world: World):
    use(world, after_parsed=to(world), grace=500.0)
    path = world.put("a.mp4")
    world.advance(200)
    folders, other = world.settings.folders, world.folder(world.place / "other")
    world.reload(folders=(other,))
    world.calm()
    world.advance(DAY)
    assert path.exists()
    world.reload(folders=folders)
    world.advance(DAY)
    assert not path.exists()
