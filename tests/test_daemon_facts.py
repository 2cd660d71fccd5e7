"""Facts that are stale, somebody else's or of another content prove nothing (rules R2 to R4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import CUT, LOST, LOST_BUT_STORED, refused
from ingestd.config import ConfirmThen, Fields
from ingestd.journal import Found
from ingestd.model import GateName, Reason, Scope, State
from ingestd.naming import token_of
from lookalikes import lookalike, put_lookalikes
from test_daemon_confirming import HOUR, held_lookalike, lost, names_are_shown
from world import World, slow_worlds, worlds

if TYPE_CHECKING:
    from pathlib import Path

from losing import (
    READABLE,
    ROTATED,
    THEIRS,
    other_account,
    paid,
    stored_as,
)


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


@pytest.fixture
def fast(tmp_path: Path):
    yield from worlds(tmp_path)


# --- how names are shown, and what a size tells ---------------------------------------------------


def test_where_names_were_hashes_a_video_with_a_name_is_not_ours_by_its_size(world: World):
    world.far.shows_names = False
    names_are_shown(world)
    world.far.shows_names = True
    path = lost(world, LOST)
    world.far.put("somebody's holiday", path.stat().st_size)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED


def test_a_video_of_another_scope_is_not_ours_by_its_size(world: World):
    """The watermark is of our scope: over there this one was before our upload began."""
    world.far.shows_names = False
    names_are_shown(world)
    other = world.folder(world.place / "other", fields=Fields(unique_id="other"))
    world.restart(folders=(*world.settings.folders, other))
    path, content = other.path / "a.mp4", world.content("a.mp4")
    world.far.put("x", len(content), scope=Scope("unique_id", "theirs"))
    world.advance(300)
    world.far.plan(LOST)
    path.write_bytes(content)
    world.wish("add", paths=[str(path)])
    world.until(lambda: world.state(path) is not None)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED


def test_both_lost_uploads_of_a_path_whose_row_is_used_again_are_rivals(world: World):
    first, second = held_lookalike(world)
    world.wish("pause")
    world.wish("approve", ids=[world.row(second).id], bulk=False)
    number = world.row(second).id
    second.unlink()
    world.hint(second)
    world.until(lambda: world.state(second) is State.GONE)
    second.write_bytes(world.content("b.mp4 anew") + b"\0\0\0\x08free")
    world.hint(second)
    world.until(lambda: world.state(second) is State.QUEUED)
    assert world.row(second).id == number
    world.far.plan(LOST)
    world.wish("resume")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    world.advance(9 * HOUR)
    assert world.row(first).reason is Reason.UNCONFIRMED


# --- keys and accounts ----------------------------------------------------------------------------


def test_that_an_earlier_answer_could_be_read_says_nothing_of_a_later_one(world: World):
    """After a cut an hour is looked for it, not half a minute."""
    world.reload()
    names_are_shown(world)
    path = lost(world, READABLE)
    other_account(world)
    world.advance(5)
    assert world.row(path).reason is Reason.UNCONFIRMED
    world.far.plan(replace(LOST_BUT_STORED, visible_after=600.0))
    world.wish("approve", ids=[world.row(path).id])
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.advance(3 * HOUR)
    assert world.outcomes(path) == ["unknown", "found"]


def test_a_look_that_was_under_way_when_the_key_changed_does_not_count(world: World):
    world.far.shows_names = False
    world.reload()
    names_are_shown(world)
    path = lost(world, refused("1", stored=True, visible_after=30.0))
    world.until(lambda: world.row(path).asks == 4)
    world.lanes.held.add("ask")
    world.until(lambda: any(lane == "ask" for lane, *_ in world.lanes.waiting))
    ours, world.far.library = world.far.library, []
    world.daemon.reconfigure(world.settings, THEIRS)
    world.lanes.held.clear()
    world.advance(60)
    world.far.library = ours
    world.reload()  # the right key
    world.advance(HOUR)
    assert world.outcomes(path) == ["found"]


def asked_before(world: World, kind: str):
    """The answer to the question that waits in a lane, before anything else changes."""
    world.until(lambda: any(lane.startswith(kind) for lane, *_ in world.lanes.waiting))
    task = next(one for one in world.lanes.waiting if one[0].startswith(kind))
    world.lanes.waiting.remove(task)
    return task[1]()


def test_what_one_account_had_already_is_not_adopted_in_another(world: World):
    world.reload()
    names_are_shown(world)
    world.lanes.held.add("upload")
    path = world.put("a.mp4")
    number = world.far.put(stored_as(path), path.stat().st_size)
    answer = asked_before(world, "upload")
    other_account(world)
    world.inbox.post(answer)
    world.lanes.held.clear()
    world.advance(600)
    assert world.row(path).account == 2
    assert world.row(path).video_no != number


def test_the_answer_for_one_key_does_not_prove_the_next_one(world: World):
    world.reload()
    names_are_shown(world)
    world.lanes.held.add("ask")
    world.daemon.reconfigure(world.settings, ROTATED)  # of the same account
    answer = asked_before(world, "ask")
    world.far.library = []
    world.daemon.reconfigure(world.settings, THEIRS)
    world.inbox.post(answer)
    world.lanes.held.clear()
    path = world.put("a.mp4")
    world.advance(600)
    assert world.gate(GateName.AUTH)
    assert world.state(path) is State.QUEUED


def test_the_first_page_of_another_account_is_read_too(fast: World):
    """Another machine paid for the clip there; an old journal would not ask for its name."""
    world = fast
    world.fill()
    world.reload()
    paid(world, "a.mp4")
    path = world.place / "b.mp4"
    path.write_bytes(world.content("b.mp4"))
    name, size = stored_as(path), path.stat().st_size
    world.far.library = []
    world.far.put(name, size)
    theirs = world.far.library
    other_account(world)
    world.far.library = theirs
    world.advance(100)
    path.rename(world.drop / "b.mp4")
    world.advance(300)
    assert len(world.bodies()) == 1


# --- what only looks the same ---------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["", "skip"])
def test_a_lookalike_does_not_take_a_lost_video_that_is_shown_late(fast: World, verb: str):
    world = fast
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    paid(world, "before.mp4")
    (first,) = put_lookalikes(world, b"one")
    world.far.plan(replace(READABLE, stored=True, visible_after=300.0))
    world.until(lambda: world.state(first) is State.CONFIRMING)
    number = world.far.library[-1].video.video_no
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    if verb:
        world.wish(verb, ids=[world.row(first).id], bulk=False)
    world.advance(600)
    second = world.drop / "x" / first.name
    second.parent.mkdir()
    second.write_bytes(lookalike(b"two"))
    world.advance(600)
    assert world.row(second).video_no != number


def test_a_held_file_that_a_lookalike_took_the_place_of_is_not_that_one(fast: World):
    """What is said about the lost upload is said about its content, not about the path."""
    world = fast
    world.far.shows_names = False
    paid(world, "before.mp4")
    (path,) = put_lookalikes(world, b"one")
    world.far.plan(LOST_BUT_STORED)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    number = world.far.library[-1].video.video_no
    world.far.put("x", path.stat().st_size)
    world.until(lambda: world.row(path).reason is Reason.UNCONFIRMED)
    held = world.row(path).id
    path.write_bytes(lookalike(b"two"))
    world.advance(600)
    world.wish("link", ids=[held], video_no=number)
    world.advance(HOUR)
    assert len(world.rows(path)) == 2
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 3


# --- rows that changed since ----------------------------------------------------------------------


def test_a_file_that_is_renamed_between_two_attempts_is_looked_for_as_it_was_sent(world: World):
    names_are_shown(world)
    world.far.plan(refused("1", stored=True, visible_after=100.0))
    path = world.put("a.mp4")
    world.until(lambda: world.row(path) is not None and world.outcomes(path) == ["not_found"])
    world.wish("pause")
    renamed = path.rename(world.drop / "renamed.mp4")
    world.hint(path)
    world.hint(renamed)
    world.until(lambda: world.row(renamed) is not None)
    world.advance(300)
    assert world.outcomes(renamed) == ["not_found"]
    world.wish("resume")
    world.until(lambda: world.state(renamed) is State.PARSED)
    assert len(world.bodies()) == 2


def test_a_found_video_that_a_person_said_is_another_is_not_adopted(fast: World):
    world = fast
    world.far.shows_sizes = False
    world.wish("pause")
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    name = stored_as(path)
    number = world.far.put(name, 77)
    world.journal.add_found(Found(number, name, token_of(name), None, "unique_id=default", 1, 5.0))
    world.wish("resume")
    world.advance(60)
    assert world.row(path).reason is Reason.UNCONFIRMED
    world.wish("approve", ids=[world.row(path).id])
    world.advance(300)
    assert world.row(path).video_no != number


def test_the_attempts_of_another_file_at_the_path_do_not_count(fast: World):
    world = fast
    world.restart(**world.section("upload", max_attempts=2))
    paid(world, "before.mp4")
    world.far.plan(CUT)
    path = world.put("a.mp4")
    world.until(lambda: world.row(path) is not None and world.row(path).attempts == 1)
    world.wish("pause")
    path.unlink()
    world.until(lambda: world.state(path) is State.GONE)
    world.put("a.mp4", salt="another")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.far.plan(CUT)
    world.wish("resume")
    world.advance(HOUR)
    assert world.state(path) is State.PARSED
