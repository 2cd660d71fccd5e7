"""Files that vanish, come back, are replaced or renamed; folders that go away (rules R5, R6)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from fake_farside import LOST, Fate
from ingestd.config import ConfirmThen, WatchMode
from ingestd.model import Reason, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def queued(world: World, name: str = "a.mp4") -> Path:
    """A file that waits in the queue, for uploading is paused."""
    world.wish("pause")
    path = world.put(name)
    world.hint(path)
    world.advance(30)
    assert world.state(path) is State.QUEUED
    return path


def scans(world: World) -> int:
    return world.daemon.seeing.watched["drop"].passes


# --- vanishing ----------------------------------------------------------------------------------


def test_a_file_is_gone_only_after_two_scans_missed_it(world: World):
    path = queued(world)
    world.advance(1)
    path.unlink()
    before = scans(world)
    while world.state(path) is State.QUEUED:
        world.advance(1)
        assert scans(world) <= before + 3
    row = world.row(path)
    assert (row.state, row.reason) == (State.GONE, Reason.VANISHED)
    assert scans(world) >= before + 2


def test_a_file_that_was_away_for_one_scan_only_is_not_gone(world: World):
    path = queued(world)
    content = path.read_bytes()
    path.unlink()
    world.advance(10)
    path.write_bytes(content)
    world.advance(100)
    assert world.way(path) == ["queued"]


def test_a_hinted_deletion_is_no_quicker_than_two_scans(world: World):
    world.restart(folders=(world.folder(world.drop, mode=WatchMode.EVENTS),))
    path = queued(world)
    path.unlink()
    before = scans(world)
    world.hint(path)
    world.advance(1)
    assert world.state(path) is State.QUEUED
    world.advance(1300)
    assert world.state(path) is State.GONE
    assert scans(world) >= before + 2


def test_a_file_that_comes_back_is_taken_in_the_same_row(world: World):
    path = queued(world)
    content = path.read_bytes()
    path.unlink()
    world.advance(60)
    assert world.state(path) is State.GONE
    world.wish("resume")
    path.write_bytes(content)
    world.advance(200)
    assert world.way(path) == ["queued", "gone", "queued", "uploading", "indexing", "parsed"]
    assert len(world.rows()) == 1


def test_a_removed_directory_takes_its_waiting_files_with_it(world: World):
    path = queued(world, "card/DCIM/a.mp4")
    shutil.rmtree(world.drop / "card")
    world.advance(2 * 3600)
    assert world.state(path) is State.GONE


def test_a_removed_directory_changes_nothing_of_what_was_sent(world: World):
    path = world.put("card/a.mp4")
    world.advance(200)
    shutil.rmtree(world.drop / "card")
    world.advance(2 * 3600)
    assert world.state(path) is State.PARSED


def test_a_rejected_file_that_vanished_is_gone(world: World):
    path = world.drop / "a.mp4"
    path.write_bytes(b"no video at all, whatever its name says")
    world.advance(30)
    assert world.state(path) is State.REJECTED
    path.unlink()
    world.advance(60)
    assert world.state(path) is State.GONE


def test_a_file_that_vanished_before_its_turn_burns_nothing(world: World):
    path = queued(world)
    path.unlink()
    world.wish("resume")
    world.advance(100)
    assert world.state(path) is State.GONE
    assert world.row(path).attempts == 0


def test_a_file_that_vanishes_while_it_is_sent_goes_on(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(during=lambda _: path.unlink()))
    world.advance(300)
    assert world.state(path) is State.PARSED


def test_a_gone_file_says_that_an_attempt_was_never_confirmed(world: World):
    world.put("first.mp4")
    world.advance(100)
    path = world.put("a.mp4")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    path.unlink()
    world.advance(3500)
    assert world.state(path) is State.CONFIRMING
    world.until(lambda: world.state(path) is State.GONE, limit=3600)
    lost = world.sends(path)[0]
    assert f"An attempt at {utc(lost.at)} was never confirmed" in world.row(path).detail


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def unconfirmed(world: World) -> Path:
    """A file whose answer was lost and of which nobody can tell whether it arrived."""
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD, confirm_for=60.0))
    path = world.put("a.mp4")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.HELD)
    return path


def test_a_file_that_may_be_paid_is_never_gone_and_never_sent_again(world: World):
    path = unconfirmed(world)
    content = path.read_bytes()
    path.unlink()
    world.advance(300)
    assert world.row(path).reason is Reason.UNCONFIRMED
    path.write_bytes(content)
    world.advance(300)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert len(world.bodies()) == 1


def test_another_file_in_the_place_of_one_that_may_be_paid_is_sent_and_the_old_row_stays(
    world: World,
):
    path = unconfirmed(world)
    world.put("a.mp4", salt="another")
    world.advance(300)
    old, new = world.rows(path)
    assert (old.state, old.reason) == (State.HELD, Reason.UNCONFIRMED)
    assert new.state is State.PARSED


# --- roots --------------------------------------------------------------------------------------


def test_a_missing_root_makes_nothing_gone_and_goes_on_when_it_is_back(world: World):
    path = queued(world)
    elsewhere = world.place / "elsewhere"
    world.drop.rename(elsewhere)
    world.advance(2 * 3600)
    assert world.state(path) is State.QUEUED
    (folder,) = world.snapshot()["folders"]
    assert folder["state"] == "missing"
    assert "Nothing is lost" in folder["detail"]
    world.wish("resume")
    world.advance(600)
    assert world.far.attempts == []
    elsewhere.rename(world.drop)
    world.advance(300)
    assert world.state(path) is State.PARSED
    assert world.snapshot()["folders"][0]["state"] == "ok"


def test_a_missing_root_at_the_start_is_waited_for(world: World):
    world.drop.rename(world.place / "elsewhere")
    world.restart()
    world.advance(600)
    (world.place / "elsewhere").rename(world.drop)
    path = world.put("a.mp4")
    world.advance(300)
    assert world.state(path) is State.PARSED


def test_one_hung_folder_holds_up_no_other(world: World):
    other = world.place / "other"
    world.restart(folders=(world.folder(world.drop), world.folder(other)))
    world.lanes.held.add("folder drop")
    path = other / "a.mp4"
    path.write_bytes(world.content("a"))
    world.advance(300)
    assert world.state(path) is State.PARSED


def test_a_long_queue_of_a_missing_folder_holds_up_no_other(world: World):
    path = queued(world)
    other = world.place / "other"
    world.restart(folders=(world.folder(world.drop), world.folder(other)))
    world.drop.rename(world.place / "elsewhere")
    late = other / "late.mp4"
    late.write_bytes(world.content("late"))
    world.advance(60)
    with world.journal.transaction():
        for number in range(500):
            more = replace(world.row(path), path=f"{path}{number}.mp4", next_attempt_at=1.0)
            world.journal.add(more, "file.queued", 1.0)
    world.wish("resume")
    world.advance(3)
    assert world.state(late) is State.INDEXING
    assert len(world.far.attempts) == 1


# --- another file at the path -------------------------------------------------------------------


def test_a_file_replaced_before_it_was_sent_is_a_new_row(world: World):
    path = queued(world)
    world.put("a.mp4", salt="another")
    world.advance(60)
    old, new = world.rows(path)
    assert (old.state, old.reason) == (State.GONE, Reason.REPLACED)
    assert new.state is State.QUEUED
    world.wish("resume")
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == 1


def test_a_file_replaced_after_it_was_sent_is_a_new_row_and_the_old_one_stays(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    world.put("a.mp4", salt="the card was formatted")
    world.advance(200)
    assert [row.state for row in world.rows(path)] == [State.PARSED, State.PARSED]
    assert len(world.far.library) == 2


def test_a_file_changed_while_it_is_sent_never_arrives_and_the_new_one_does(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(during=lambda _: world.put("a.mp4", salt="another")))
    world.advance(300)
    old, new = world.rows(path)
    assert (old.state, old.reason) == (State.GONE, Reason.REPLACED)
    assert new.state is State.PARSED
    assert new.attempts == 0
    (stored,) = world.far.library
    assert stored.content_hash == new.content_hash


def test_a_file_replaced_while_its_indexing_runs_is_a_new_row(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    world.put("a.mp4", salt="another")
    world.advance(300)
    assert [row.state for row in world.rows(path)] == [State.PARSED, State.PARSED]


def test_a_file_changed_while_its_answer_is_missing_is_a_new_row(world: World):
    world.put("first.mp4")
    world.advance(100)
    path = world.put("a.mp4")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.put("a.mp4", salt="another")
    world.advance(300)
    old, new = world.rows(path)
    assert (old.state, new.state) == (State.CONFIRMING, State.PARSED)
    world.calm()
    world.advance(7200)
    old, new = world.rows(path)
    assert (old.state, new.state) == (State.GONE, State.PARSED)
    assert len(world.far.library) == 2


def test_a_file_that_lost_its_path_and_vanished_holds_up_no_copy(world: World):
    """Its answer was lost, another file took its place, and no scan looks for it any more."""
    world.put("first.mp4")
    world.advance(100)
    path = world.put("a.mp4", salt="x")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.put("a.mp4", salt="another")
    copy = world.put("copy.mp4", salt="x")
    world.advance(100)
    assert world.state(copy) is State.DUPLICATE
    path.unlink()
    world.calm()
    world.advance(2 * 3600)
    assert [row.state for row in world.rows(path)] == [State.GONE, State.PARSED]
    assert world.state(copy) is State.PARSED


def test_a_file_from_elsewhere_that_vanished_holds_up_no_copy(world: World):
    path = world.place / "stick.mp4"
    path.write_bytes(world.content("x"))
    world.wish("pause")
    world.wish("add", paths=[str(path)])
    copy = world.put("copy.mp4", salt="x")
    world.advance(60)
    path.unlink()
    world.wish("resume")
    world.advance(600)
    assert (world.state(path), world.state(copy)) == (State.GONE, State.PARSED)


def test_a_folder_moved_in_the_configuration_loses_and_pays_nothing_twice(world: World):
    sent = world.put("sent.mp4")
    world.advance(200)
    queued(world, "waiting.mp4")
    moved = world.place / "moved"
    world.drop.rename(moved)
    world.restart(folders=(world.folder(moved, name="drop"),))
    world.wish("resume")
    world.advance(600)
    assert world.state(moved / "sent.mp4") is State.PARSED
    assert world.state(moved / "waiting.mp4") is State.PARSED
    assert world.row(sent) is None
    assert len(world.rows()) == 2
    assert len(world.bodies()) == 2


def test_a_file_replaced_after_its_last_byte_went_out_is_paid_and_the_new_one_goes_too(
    world: World, monkeypatch
):
    path = world.put("a.mp4")
    content, real = path.read_bytes(), world.journal.mark_send

    def marked(*args: object) -> object:
        send = real(*args)
        world.put("a.mp4", salt="another")
        monkeypatch.undo()
        return send

    monkeypatch.setattr(world.journal, "mark_send", marked)
    world.advance(300)
    assert [row.state for row in world.rows(path)] == [State.PARSED, State.PARSED]
    assert world.far.library[0].content_hash == blake3(content).hexdigest()
