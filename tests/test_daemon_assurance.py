"""Nothing is sent until the journal is known to know all that was paid, in the right account."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import DOWN, LOST_BUT_STORED
from ingestd.config import ApiKey
from ingestd.journal import Found
from ingestd.model import GateName, Reason, Scope, State
from ingestd.naming import token_of
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

OURS = "holiday~0badcafe"
ROTATED = ApiKey("sk-mavi-rotated", "a test")


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def paid(world: World, *names: str) -> None:
    paths = [world.put(name) for name in names]
    world.until(lambda: {world.state(path) for path in paths} == {State.PARSED})


def stands(world: World, name: GateName) -> str:
    gate = world.gate(name)
    return "" if gate is None else gate.detail


# --- videos that are ours and that nobody here knows ----------------------------------------------


def test_a_newer_video_of_ours_closes_the_gate_until_somebody_decides(world: World):
    paid(world, "a.mp4")
    world.far.put(OURS, 1000)
    world.restart()
    path = world.put("b.mp4")
    world.advance(600)
    assert "1 newer videos with names like ours (holiday~0badcafe" in stands(
        world, GateName.JOURNAL
    )
    assert world.state(path) is State.QUEUED
    world.wish("resume")
    world.advance(60)
    assert len(world.bodies()) == 1
    said = world.wish("resume", foreign_ok=True)
    assert "Going on" in said["text"]
    world.advance(600)
    assert world.state(path) is State.PARSED
    world.far.put("other~0badbeef", 1000)
    world.restart()
    world.advance(60)
    assert stands(world, GateName.JOURNAL) == "", "the yes is remembered"


@pytest.mark.parametrize(
    "name",
    ["holiday", "1be6a69f3c6e49bf986235d68807ab1f", "a~b", "holiday~0badcafe2"],
)
def test_what_is_not_named_like_ours_concerns_nobody(world: World, name: str):
    paid(world, "a.mp4")
    world.far.put(name, 1000)
    world.restart()
    world.advance(60)
    assert stands(world, GateName.JOURNAL) == ""


def test_older_videos_of_ours_close_nothing_but_every_name_is_asked_for(world: World):
    """Also of a small file, and with a journal that has seen many: it may lack this one."""
    world.fill()
    world.far.put(OURS, 1000)
    world.advance(3600)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED)
    asked = [call for call in world.far.reads if "name=a~" in call]
    assert len(asked) == 1
    paid(world, "b.mp4")
    assert [call for call in world.far.reads if "name=b~" in call]


def test_a_full_journal_without_strangers_does_not_ask_for_small_files(world: World):
    world.fill()
    paid(world, "a.mp4")
    assert not [call for call in world.far.reads if "name=a~" in call]


def test_our_own_lost_upload_is_no_stranger(world: World):
    paid(world, "a.mp4")
    world.far.plan(replace(LOST_BUT_STORED, visible_after=40.0))
    path = world.put("b.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.elapsed += 60
    world.restart()
    world.until(lambda: world.state(path) is State.PARSED)
    assert stands(world, GateName.JOURNAL) == ""
    assert len(world.bodies()) == 2


def test_nothing_is_sent_before_the_first_page_was_read_but_files_are_looked_at(world: World):
    paid(world, "a.mp4")
    world.far.down = True
    world.restart()
    path = world.put("b.mp4")
    world.advance(120)
    assert world.state(path) is State.QUEUED
    assert world.daemon.assurance.strangers.pending
    world.far.down = False
    world.far.fail_reads(DOWN, DOWN)
    world.advance(900)
    assert world.state(path) is State.PARSED


def test_a_lost_journal_with_old_small_clips_pays_for_none_again(world: World):
    """However many new ones go first: the library holds names that this journal does not know."""
    paid(world, *(f"old {number}.mp4" for number in range(3)))
    old = [world.drop / f"old {number}.mp4" for number in range(3)]
    contents = [path.read_bytes() for path in old]
    for path in old:
        path.unlink()
    world._stop()
    shutil.rmtree(world.state_dir)
    world._start()
    world.advance(3600)
    world.fill()
    paid(world, "new.mp4")
    for path, content in zip(old, contents, strict=True):
        path.write_bytes(content)
    world.advance(900)
    assert {world.state(path) for path in old} == {State.PARSED}
    assert len(world.bodies()) == 4


# --- what `recover` found by its name -------------------------------------------------------------


def found(world: World, path: Path, **changes) -> Found:
    row = world.row(path)
    token = token_of(row.upload_name or f"x~{row.fingerprint[:8]}")
    return replace(
        Found("VI7", "a~x", token, row.stat.size, "unique_id=default", 1, 5.0), **changes
    )


def held_back(world: World, name: str) -> Path:
    world.wish("pause", now=False, until=None)
    path = world.put(name)
    world.until(lambda: world.state(path) is State.QUEUED)
    return path


def test_the_file_of_a_found_video_is_that_video(world: World):
    path = held_back(world, "a.mp4")
    number = world.far.put("whatever", 1)
    world.journal.add_found(found(world, path, video_no=number))
    world.wish("resume")
    world.until(lambda: world.state(path) is State.PARSED)
    assert world.bodies() == []
    assert world.row(path).video_no == number
    assert world.journal.found_count() == 0
    copy = world.put("copy.mp4", salt="a.mp4")
    world.until(lambda: world.state(copy) is State.DUPLICATE)


@pytest.mark.parametrize(
    "changes", [{"size": 12}, {"token": "00000000"}, {"scope": "unique_id=x"}, {"account": 2}]
)
def test_another_files_video_is_not_taken_for_it(world: World, changes):
    path = held_back(world, "a.mp4")
    world.journal.add_found(found(world, path, **changes))
    world.wish("resume")
    world.until(lambda: world.state(path) is State.PARSED)
    assert len(world.bodies()) == 1
    assert world.journal.found_count() == 1


def test_a_found_video_without_a_size_is_for_a_person_to_decide(world: World):
    path = held_back(world, "a.mp4")
    world.journal.add_found(found(world, path, size=None))
    world.wish("resume")
    world.advance(60)
    row = world.row(path)
    assert (row.state, row.reason) == (State.HELD, Reason.UNCONFIRMED)
    assert f"ingestd link {row.id} VI7" in row.detail
    assert world.bodies() == []


# --- the key of another account -------------------------------------------------------------------


def turn_key(world: World, key: ApiKey = ROTATED) -> None:
    world.daemon.reconfigure(world.settings, key)


def test_a_rotated_key_of_the_same_account_goes_through_by_itself(world: World):
    world.reload()
    paid(world, "a.mp4")
    turn_key(world)
    paid(world, "b.mp4")
    assert world.gate(GateName.AUTH) is None
    world.restart()
    world.far.reads.clear()
    turn_key(world)
    world.advance(30)
    assert not [call for call in world.far.reads if "metadata" in call], "asked once only"


def test_a_key_of_another_account_sends_nothing_and_concludes_nothing(world: World):
    world.reload()
    paid(world, "a.mp4", "b.mp4")
    world.far.plan(LOST_BUT_STORED)
    lost = world.put("lost.mp4")
    world.until(lambda: world.state(lost) is State.CONFIRMING)
    theirs, world.far.library = world.far.library, []
    turn_key(world)
    path = world.put("c.mp4")
    world.advance(3 * 3600)
    assert "This key belongs to another account" in stands(world, GateName.AUTH)
    assert len(world.bodies()) == 3
    assert world.state(lost) is State.CONFIRMING, "no look counted"
    world.wish("resume")
    world.advance(60)
    assert world.gate(GateName.AUTH) is not None, "the question was asked once more"
    world.far.library = theirs
    turn_key(world, ApiKey("sk-mavi-right", "a test"))
    world.until(lambda: world.state(path) is State.PARSED)
    world.until(lambda: world.state(lost) is State.PARSED)
    assert world.gate(GateName.AUTH) is None
    assert len(world.bodies()) == 4


def test_another_account_that_is_meant_pays_for_copies_anew_and_follows_nothing_old(world: World):
    world.paid_again = True
    world.reload()
    paid(world, "a.mp4")
    world.far.index_s = 1e9
    following = world.put("b.mp4")
    world.until(lambda: world.state(following) is State.INDEXING)
    world.far.plan(LOST_BUT_STORED)
    lost = world.put("lost.mp4")
    world.until(lambda: world.state(lost) is State.CONFIRMING)
    world.far.index_s = 60.0
    world.far.library.clear()
    turn_key(world)
    world.until(lambda: world.gate(GateName.AUTH))
    world.wish("resume", new_account=True)
    world.advance(5)
    assert world.gate(GateName.AUTH) is None
    assert (world.row(lost).state, world.row(lost).reason) == (State.HELD, Reason.UNCONFIRMED)
    assert world.state(following) is State.FAILED
    assert "billed as VI" in world.row(following).detail
    copy = world.put("copy.mp4", salt="a.mp4")
    world.until(lambda: world.state(copy) is State.PARSED)
    assert world.row(copy).account == 2
    again = world.put("again.mp4", salt="a.mp4")
    world.until(lambda: world.state(again) is State.DUPLICATE)
    assert world.row(again).duplicate_of == world.row(copy).id
    assert world.state(world.drop / "a.mp4") is State.PARSED, "what lies there is not sent again"
    world.wish("approve", ids=[world.row(lost).id])
    world.until(lambda: world.state(lost) is State.PARSED)
    assert world.row(lost).account == 2


def test_the_account_that_was_in_use_before_is_recognised(world: World):
    world.reload()
    paid(world, "a.mp4")
    first, world.far.library = world.far.library, []
    turn_key(world)
    world.until(lambda: world.gate(GateName.AUTH))
    world.wish("resume", new_account=True)
    paid(world, "b.mp4")
    world.far.library = first
    turn_key(world, ApiKey("sk-mavi-first", "a test"))
    world.until(lambda: world.gate(GateName.AUTH))
    assert "was in use before" in stands(world, GateName.AUTH)
    world.wish("resume", new_account=True)
    copy = world.put("copy.mp4", salt="a.mp4")
    world.until(lambda: world.state(copy) is State.DUPLICATE)
    assert world.journal.account == 1


def test_deleted_videos_of_the_same_account_are_a_persons_word(world: World):
    world.reload()
    paid(world, "a.mp4")
    world.far.library.clear()
    turn_key(world)
    world.until(lambda: world.gate(GateName.AUTH))
    world.wish("resume", same_account=True)
    copy = world.put("copy.mp4", salt="a.mp4")
    world.until(lambda: world.state(copy) is State.DUPLICATE)
    assert world.journal.account == 1


def test_an_unreachable_far_side_delays_the_question_and_decides_nothing(world: World):
    world.reload()
    paid(world, "a.mp4")
    world.far.down = True
    turn_key(world)
    path = world.put("b.mp4")
    world.advance(600)
    assert world.gate(GateName.AUTH) is None
    assert world.state(path) is State.QUEUED
    world.far.down = False
    world.until(lambda: world.state(path) is State.PARSED)


def test_a_wish_for_another_account_from_before_the_start_is_granted_then(world: World):
    world.reload()
    paid(world, "a.mp4")
    world.far.library.clear()
    turn_key(world)
    world.until(lambda: world.gate(GateName.AUTH))
    world.restart()
    world.wish("resume", new_account=True)  # before the key is named, as at a start
    turn_key(world)
    paid(world, "b.mp4")
    assert world.journal.account == 2


def test_another_address_is_another_account_until_it_is_shown(world: World):
    world.reload()
    paid(world, "a.mp4")
    world.far.library.clear()
    world.reload(**world.section("api", base_url="http://127.0.0.1:1/other"))
    world.advance(60)
    assert world.gate(GateName.AUTH) is not None


def test_a_scope_of_its_own_is_asked_where_its_videos_are(world: World):
    world.reload()
    paid(world, "a.mp4")
    world.far.reads.clear()
    turn_key(world)
    world.advance(30)
    (call,) = [call for call in world.far.reads if "metadata" in call]
    assert call.endswith(str(Scope("unique_id", "default")))
