"""What a reload, a lent folder or a rename meanwhile must not turn into a loss (rules R4 to R7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import mhl
from fake_farside import LOST, TAKEN
from ingestd.config import After, AfterKind, ApiKey, ConfirmThen, Fields
from ingestd.journal import DiskFullError, add_wish
from ingestd.model import GateName, Reason, State
from ingestd.remote.contract import Refusal, Trouble
from test_daemon_confirming import lost, names_are_shown
from world import World, slow_worlds, worlds

if TYPE_CHECKING:
    from pathlib import Path

DELETE = After(AfterKind.DELETE)
DAY = 86_400.0


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def slow(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def changed(world: World, **changes: object) -> tuple:
    return (replace(world.settings.folders[0], **changes), *world.settings.folders[1:])


# --- after-actions --------------------------------------------------------------------------------


def test_a_file_that_went_with_the_fields_of_a_folder_that_retains_nothing_is_kept(world: World):
    lender = world.folder(world.place / "lender", fields=Fields(retain_original_video=False))
    world.restart(folders=(*changed(world, after_parsed=DELETE, grace=0.0), lender))
    world.wish("pause")
    path = world.put("a.mp4")
    world.wish("add", paths=[str(path)], folder="lender")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.wish("resume")
    world.advance(600)
    assert path.exists()
    assert world.state(path) is State.PARSED
    assert world.row(path).fields["retain_original_video"] is False


def test_a_file_that_was_sent_while_nothing_was_retained_is_kept_whatever_a_reload_says(
    world: World,
):
    world.restart(folders=changed(world, fields=Fields(retain_original_video=False)))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    world.reload(folders=changed(world, fields=Fields(), after_parsed=DELETE, grace=0.0))
    world.advance(600)
    assert path.exists()
    assert world.state(path) is State.PARSED


def test_a_copy_of_a_file_that_is_not_retained_is_kept(world: World):
    other = world.folder(world.place / "other", fields=Fields(retain_original_video=False))
    world.restart(folders=(*changed(world, after_duplicate=DELETE, grace=0.0), other))
    original = other.path / "a.mp4"
    original.write_bytes(world.content("same"))
    world.until(lambda: world.state(original) is State.PARSED)
    original.unlink()
    path = world.put("b.mp4", salt="same")
    world.advance(600)
    assert path.exists()
    assert world.state(path) is State.DUPLICATE


def test_a_video_that_was_found_by_its_size_alone_lets_no_file_be_deleted(slow: World):
    """Segments of one length: it is another machine's, and ours never arrived."""
    world = slow
    world.far.shows_names = False
    world.restart(folders=changed(world, after_parsed=DELETE, grace=0.0))
    names_are_shown(world)
    path = lost(world, LOST)
    world.far.put("theirs", path.stat().st_size)
    world.advance(DAY)
    assert path.exists()
    assert world.state(path) is State.PARSED
    world.restart()
    world.advance(DAY)
    assert path.exists()


def test_a_video_that_a_person_linked_lets_no_file_be_deleted(slow: World):
    world = slow
    world.restart(
        folders=changed(world, after_parsed=DELETE, grace=0.0),
        **world.section("indexing", confirm_then=ConfirmThen.HOLD),
    )
    names_are_shown(world)
    path = lost(world, LOST)
    number = world.far.put("theirs", 77)
    world.until(lambda: world.state(path) is State.HELD)
    world.wish("link", ids=[world.row(path).id], video_no=number)
    world.advance(DAY)
    assert path.exists()
    assert world.state(path) is State.PARSED


def test_a_task_of_a_folder_that_was_renamed_is_done_once(world: World):
    world.restart(folders=changed(world, after_parsed=DELETE, grace=300.0))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED)
    world.reload(folders=changed(world, name="renamed"))
    world.lanes.held.add("after")
    world.advance(900)
    assert sum(lane.startswith("after") for lane, *_ in world.lanes.waiting) == 1


def test_a_longer_grace_counts_for_what_waits_already(slow: World):
    world = slow
    world.restart(folders=changed(world, after_parsed=DELETE, grace=DAY))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED)
    world.reload(folders=changed(world, grace=7 * DAY))
    world.advance(2 * DAY)
    assert path.exists()
    world.advance(6 * DAY)
    assert not path.exists()


def test_a_move_that_becomes_a_delete_has_the_grace_of_a_delete(slow: World):
    world = slow
    blocked = world.place / "blocked"
    blocked.write_bytes(b"")
    move = After(AfterKind.MOVE_TO, blocked)
    world.restart(folders=changed(world, after_parsed=move))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED)
    world.advance(600)
    assert path.exists()
    world.reload(folders=changed(world, after_parsed=DELETE))
    world.advance(DAY)
    assert path.exists()


def test_a_rejected_file_that_changes_has_its_whole_grace_anew(slow: World):
    world = slow
    bad = After(AfterKind.MOVE_TO, world.place / "bad")
    world.restart(folders=changed(world, after_rejected=bad, grace=7 * DAY))
    path = world.drop / "a.mp4"
    path.write_bytes(world.content("a")[:2000])
    world.hint(path)
    world.until(lambda: world.state(path) is State.REJECTED)
    world.advance(6 * DAY)
    path.write_bytes(world.content("a")[:2500])
    world.hint(path)
    world.advance(3 * DAY)
    assert path.exists()
    world.advance(8 * DAY)
    assert not path.exists()


# --- passes that began before a reload ------------------------------------------------------------


def archive(world: World, place: Path, count: int) -> None:
    place.mkdir(exist_ok=True)
    for number in range(count):
        (place / f"{number}.mp4").write_bytes(world.content(f"{place.name} {number}"))


def test_a_pass_over_the_old_path_is_no_first_look_at_the_new_one(world: World):
    world.restart(**world.section("guard", first_look_files=3))
    world.advance(60)
    new = world.place / "new"
    archive(world, new, 6)
    world.lanes.held.add("folder")
    world.until(lambda: any(lane.startswith("folder") for lane, *_ in world.lanes.waiting))
    world.reload(folders=(replace(world.folder(new), name="drop"),))
    world.lanes.held.clear()
    world.advance(300)
    assert world.bodies() == []
    assert {world.row(one).reason for one in new.iterdir()} == {Reason.FIRST_LOOK}


def test_a_pass_over_the_old_path_takes_nothing_there(world: World):
    world.advance(60)
    new = world.place / "new"
    new.mkdir()
    path = world.put("a.mp4")
    world.lanes.held.add("folder")
    world.until(lambda: any(lane.startswith("folder") for lane, *_ in world.lanes.waiting))
    world.reload(folders=(replace(world.folder(new), name="drop"),))
    world.lanes.held.clear()
    world.advance(300)
    assert world.bodies() == []
    assert world.state(path) is None


def test_a_reload_in_a_first_look_forgets_none_of_its_files(world: World):
    world.restart(**world.section("guard", first_look_files=3))
    world.lanes.held.add("probe")
    archive(world, world.place / "card", 2)
    world.reload()
    new = world.place / "new"
    archive(world, new, 2)
    folder = world.folder(new)
    world.reload(folders=(folder,))
    world.until(lambda: any(lane.startswith("folder") for lane, *_ in world.lanes.waiting))
    (lane,) = (one for one in world.lanes.waiting if one[0].startswith("folder"))
    world.lanes.waiting.remove(lane)
    more = new / "zz"
    archive(world, more, 2)
    message = lane[1]()  # the pass, whose first half the loop takes in before the reload
    taken = world.inbox.take(100)
    half = len(taken) // 2 + 1
    for one in taken[:half]:
        world.inbox.post(one)
    world.step()
    world.reload(folders=(folder,))
    for one in [*taken[half:], message]:
        world.inbox.post(one)
    world.lanes.held.clear()
    world.advance(300)
    assert world.bodies() == []


# --- wishes ---------------------------------------------------------------------------------------


def test_a_folder_that_a_reload_took_away_lends_nothing(world: World):
    lender = world.folder(world.place / "lender", fields=Fields(unique_id="lent"))
    world.restart(folders=(*world.settings.folders, lender))
    world.lanes.held.add("add")
    path = world.place / "a.mp4"
    path.write_bytes(world.content("a"))
    wish = add_wish(
        world.state_dir, "add", {"paths": [str(path)], "folder": "lender"}, world.now().wall
    )
    world.ask("wake")
    world.run_until_idle()
    world.until(lambda: any(lane.startswith("add") for lane, *_ in world.lanes.waiting))
    job = next(one for one in world.lanes.waiting if one[0].startswith("add"))
    world.lanes.waiting.remove(job)
    answer = job[1]()
    world.reload(folders=world.settings.folders[:1])
    world.inbox.post(answer)
    world.lanes.held.clear()
    world.advance(300)
    assert world.journal.wish(wish).result is not None
    assert world.bodies() == []


def test_a_folder_that_is_not_there_lends_nothing(world: World):
    path = world.place / "a.mp4"
    path.write_bytes(world.content("a"))
    result = world.wish("add", paths=[str(path)], folder="lender")
    world.advance(300)
    assert result["refused"]
    assert world.bodies() == []


@pytest.mark.parametrize("folder", [None, "drop"])
def test_what_was_added_is_taken_though_a_restart_comes_before_it_is_judged(
    world: World, folder: str | None
):
    paths = [world.place / "a.mp4", world.place / "b.mp4"]
    for path in paths:
        path.write_bytes(world.content(path.name))
    for path in paths:
        world.lanes.held.add("probe")
        result = world.wish("add", paths=[str(path)], **({"folder": folder} if folder else {}))
        assert result["taken"] == 1
    world.restart()
    world.advance(600)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert world.row(paths[0]).folder == folder
    world.restart()
    world.advance(600)
    assert len(world.bodies()) == 2


# --- cards ----------------------------------------------------------------------------------------


def held_for_its_list(world: World) -> Path:
    world.restart(folders=changed(world, wait_for_mhl=True, marker_timeout=60.0))
    path = world.put("card/a.mp4")
    world.until(lambda: world.state(path) is State.HELD)
    assert world.row(path).reason is Reason.NO_CHECKSUM_LIST
    return path


def test_a_late_list_is_heeded_after_its_card_was_renamed(world: World):
    path = held_for_its_list(world)
    world.advance(30)
    card = path.parent.rename(world.drop / "card two")
    path = card / "a.mp4"
    world.advance(400)
    assert world.state(path) is State.HELD
    mhl.classic(card, [path])
    world.advance(900)
    assert world.state(path) is State.PARSED


def test_a_late_list_is_heeded_after_lists_were_not_asked_for_a_while(world: World):
    path = held_for_its_list(world)
    world.reload(folders=changed(world, wait_for_mhl=False))
    world.advance(700)
    world.reload(folders=changed(world, wait_for_mhl=True))
    world.advance(700)
    mhl.classic(path.parent, [path])
    world.advance(900)
    assert world.state(path) is State.PARSED


# --- the far side, the mirror, the journal --------------------------------------------------------


def test_a_new_key_is_tried_although_nothing_is_in_line(slow: World):
    world = slow
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    world.far.fail_reads(Trouble(Refusal.AUTH, "no"))
    world.until(lambda: world.gate(GateName.AUTH))
    world.daemon.reconfigure(world.settings, ApiKey("sk-mavi-2222222222", "a test"))
    world.advance(DAY / 24)
    assert world.state(path) is State.PARSED


def test_the_room_of_a_mirror_that_is_not_used_any_more_stops_nothing(world: World):
    away = world.place / "usb"
    away.mkdir()
    world.restart(mirror_dir=away)
    first = world.put("a.mp4")
    world.until(lambda: world.state(first) is State.PARSED)
    away.rename(world.place / "unplugged")
    second = world.put("b.mp4")
    world.advance(300)
    assert world.state(second) is State.QUEUED
    new = world.place / "new mirror"
    new.mkdir()
    world.reload(mirror_dir=new)
    world.advance(900)
    assert world.gate(GateName.DISK_FULL) is None
    assert world.state(second) is State.PARSED


def test_a_stop_with_a_full_disk_ends_in_order(world: World, monkeypatch):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED)

    def full(*_: object) -> None:
        raise DiskFullError("no room")

    world.daemon.begin_stop()
    monkeypatch.setattr(world.journal, "set_meta", full)
    world.daemon.abandon(world.now())


def test_an_answer_that_could_not_be_recorded_before_a_stop_is_read_at_the_next_start(
    world: World, monkeypatch
):
    """Its video is not shown in the list for hours: only the mirror tells of it."""
    world.fill()
    world.far.plan(replace(TAKEN, visible_after=100_000.0))
    world.lanes.held.add("upload")
    path = world.put("a.mp4")
    world.until(lambda: any(lane == "upload" for lane, *_ in world.lanes.waiting))
    world.lanes.held.clear()

    def full(*_: object) -> None:
        raise DiskFullError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(world.journal, "end_send", full)
        world.until(world.bodies)
        for _ in range(5):
            world.run_until_idle()
        assert world.state(path) is State.UPLOADING
    world.daemon.begin_stop()
    world.daemon.abandon(world.now())
    world.restart()
    world.advance(10)
    assert world.state(path) is State.INDEXING


def test_a_lost_upload_that_a_person_skips_stays_in_the_budget(slow: World):
    world = slow
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    names_are_shown(world)
    path = lost(world, LOST)
    world.until(lambda: world.state(path) is State.HELD)
    world.wish("skip", ids=[world.row(path).id], bulk=False)
    length = world.row(path).duration_s
    world.reload(**world.section("budget", minutes_per_day=2.5 * length / 60))
    second = world.put("b.mp4")
    world.advance(600)
    assert world.state(second) is State.QUEUED
    assert world.gate(GateName.BUDGET)


def test_a_mirror_on_a_disk_that_hangs_is_told_of_and_can_be_left(world: World):
    away = world.place / "nfs"
    away.mkdir()
    world.restart(mirror_dir=away)
    world.step()
    (stuck,) = (one for one in world.lanes.waiting if one[0].startswith("mirror"))
    world.lanes.waiting.remove(stuck)  # it does not answer
    path = world.put("a.mp4")
    world.advance(300)
    assert world.state(path) is State.QUEUED
    assert "does not answer" in world.gate(GateName.JOURNAL).detail
    new = world.place / "new mirror"
    new.mkdir()
    world.reload(mirror_dir=new)
    world.advance(60)
    world.inbox.post(stuck[1]())  # at last
    world.advance(300)
    assert world.gate(GateName.JOURNAL) is None
    assert world.state(path) is State.PARSED


def test_a_mirror_on_a_disk_that_answers_late_is_taken_then(world: World):
    world.restart()
    world.lanes.held.add("mirror")
    path = world.put("a.mp4")
    world.advance(300)
    assert world.gate(GateName.JOURNAL)
    world.lanes.held.clear()
    world.advance(300)
    assert world.gate(GateName.JOURNAL) is None
    assert world.state(path) is State.PARSED


# --- the guard ------------------------------------------------------------------------------------


def test_an_archive_that_is_held_stays_so_when_its_folder_moves(world: World):
    """With the configuration, to another path of the same disk; its first pass takes long."""
    place = world.place / "archive"
    archive(world, place, 6)
    world.restart(folders=(world.folder(place),), **world.section("guard", first_look_files=3))
    world.advance(120)
    assert {world.row(one).reason for one in place.iterdir()} == {Reason.FIRST_LOOK}
    moved = place.rename(world.place / "elsewhere")
    world.restart(folders=(world.folder(moved),))
    world.step()
    (scan,) = (one for one in world.lanes.waiting if one[0].startswith("folder"))
    world.lanes.waiting.remove(scan)
    end = scan[1]()
    world.run_until_idle()
    world.inbox.post(end)
    world.advance(600)
    assert {world.state(one) for one in moved.iterdir()} == {State.HELD}
    assert world.bodies() == []
