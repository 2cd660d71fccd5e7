"""Uploads whose answer was lost: asked for until known, never sent twice (rules R1, R2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import DOWN, LOST, LOST_BUT_STORED, TAKEN, Fate, answer, refused
from ingestd.config import ConfirmThen, Fields
from ingestd.daemon.asking import jobs
from ingestd.model import Reason, Scope, State, Video
from ingestd.remote.contract import Page, Refusal, Trouble
from world import slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600
READABLE = refused("1")


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def names_are_shown(world: World) -> None:
    """An accepted upload whose name the far side told: not finding one proves something now."""
    world.put("before.mp4")
    world.advance(100)


def lost(world: World, fate: Fate = LOST) -> Path:
    """A file whose answer was lost a moment ago."""
    path = world.put("a.mp4")
    world.far.plan(fate)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    return path


def looked_for(watermark: float | None, found) -> jobs.Search:
    scope = Scope("unique_id", "x")
    return jobs.Search(1, 1, scope, "a~01234567", watermark, everywhere=False, found=found)


def looks(world: World, path: Path) -> int:
    return world.row(path).asks


# --- found --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fate",
    [LOST_BUT_STORED, refused("1", stored=True), replace(LOST_BUT_STORED, visible_after=600.0)],
    ids=["cut", "0001", "shown late"],
)
def test_a_lost_answer_is_found_and_not_sent_again(world: World, fate: Fate):
    names_are_shown(world)
    path = lost(world, replace(fate, visible_after=min(fate.visible_after, 600.0)))
    if fate.reply is READABLE.reply:
        assert not fate.visible_after
    world.advance(HOUR)
    assert world.way(path) == ["queued", "uploading", "confirming", "indexing", "parsed"]
    assert world.outcomes(path) == ["found"]
    assert len(world.bodies()) == 2
    assert world.row(path).uploaded_at is not None


def test_what_is_found_first_by_a_page_walk_is_adopted(world: World):
    """The name filter finds nothing, for the far side kept the extension."""
    path = lost(world, LOST_BUT_STORED)
    (row,) = world.far.library
    row.video = replace(row.video, name=f"{row.video.name}.mp4")
    for number in range(450):
        world.far.put(f"foreign {number}", 1000 + number)
    world.advance(100)
    assert world.row(path).video_no == row.video.video_no


def test_a_video_paid_twice_is_named(world: World):
    path = lost(world, LOST_BUT_STORED)
    (row,) = world.far.library
    other = world.far.put(row.video.name, row.video.size)
    world.until(lambda: world.state(path) is State.INDEXING)
    assert world.row(path).video_no == row.video.video_no
    assert other in world.row(path).detail


def test_a_video_of_another_row_is_no_evidence(world: World):
    """The same clip was paid on purpose before: that one is not this one."""
    world.paid_again = True
    path = world.put("a.mp4")
    world.advance(100)
    world.far.plan(LOST)
    world.wish("add", paths=[str(path)], pay_again=True)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.advance(3 * HOUR)
    assert world.outcomes(path) == ["not_found", "accepted"]
    assert len(world.far.library) == 2


# --- not found ----------------------------------------------------------------------------------


def test_five_looks_and_an_hour_come_before_a_second_body(world: World):
    names_are_shown(world)
    path = lost(world)
    began = world.elapsed
    world.until(lambda: world.state(path) is not State.CONFIRMING)
    assert world.elapsed - began >= HOUR
    assert world.outcomes(path) == ["not_found"]
    world.advance(100)
    assert world.state(path) is State.PARSED
    assert world.way(path).count("uploading") == 2
    assert world.row(path).attempts == 1


def test_with_a_short_time_five_looks_are_still_made(world: World):
    world.restart(**world.section("indexing", confirm_for=1.0))
    names_are_shown(world)
    path = lost(world)
    before = len(world.far.reads)
    world.until(lambda: world.state(path) is not State.CONFIRMING)
    walks = [
        call
        for call in world.far.reads[before:]
        if "list unique_id=default page=1 name=None" in call
    ]
    assert len(walks) == 5


def test_a_readable_no_takes_three_looks_and_half_a_minute(world: World):
    names_are_shown(world)
    path = lost(world, READABLE)
    began, most = world.elapsed, 0
    while world.state(path) is State.CONFIRMING:
        most = max(most, looks(world, path))
        world.advance(1)
    assert 30 <= world.elapsed - began <= 60
    assert most >= 2
    world.advance(100)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("fate", [LOST, READABLE], ids=["lost", "readable"])
@pytest.mark.parametrize("size", [None, "same"])
def test_where_names_were_never_seen_a_newcomer_that_could_be_it_stops_a_resend(
    world: World, fate: Fate, size: str | None
):
    path = lost(world, fate)
    world.far.shows_sizes = size is not None
    world.far.put("0" * 32, path.stat().st_size)
    world.advance(3 * HOUR)
    row = world.row(path)
    assert (row.state, row.reason) == (State.HELD, Reason.UNCONFIRMED)
    assert "may have been billed" in row.detail
    assert len(world.bodies()) == 1
    world.advance(24 * HOUR)
    assert world.state(path) is State.HELD


@pytest.mark.parametrize("fate", [LOST, READABLE], ids=["lost", "readable"])
def test_where_nothing_new_came_that_could_be_it_it_is_sent_again(world: World, fate: Fate):
    path = lost(world, fate)
    world.far.put("someone else's", path.stat().st_size + 1)
    world.advance(3 * HOUR)
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 2


def test_a_lost_upload_in_another_scope_than_we_look_in_is_found(world: World):
    path = lost(world, LOST)
    row = world.row(path)
    stored = row.upload_name.rsplit(".", 1)[0]
    world.far.put(stored, path.stat().st_size, scope=Scope("unique_id", "elsewhere"))
    world.advance(HOUR)
    assert world.state(path) is not State.CONFIRMING
    assert world.row(path).video_no is not None
    assert len(world.bodies()) == 1


@pytest.mark.parametrize("sizes", [True, False], ids=["sizes", "no sizes"])
def test_where_names_are_hashes_the_only_newcomer_is_found(world: World, sizes: bool):
    world.far.shows_names, world.far.shows_sizes = False, sizes
    names_are_shown(world)
    path = lost(world, replace(LOST_BUT_STORED, visible_after=100.0))
    for_later = world.put("later.mp4")
    world.advance(3 * HOUR)
    assert [world.state(one) for one in (path, for_later)] == [State.PARSED] * 2
    assert world.row(path).video_no == world.far.library[1].video.video_no
    assert len(world.bodies()) == 3


@pytest.mark.parametrize("sizes", [True, False], ids=["sizes", "no sizes"])
def test_where_names_are_hashes_what_never_arrived_is_sent_again(world: World, sizes: bool):
    world.far.shows_names, world.far.shows_sizes = False, sizes
    names_are_shown(world)
    path = lost(world)
    world.advance(3 * HOUR)
    assert world.state(path) is State.PARSED
    assert world.outcomes(path) == ["not_found", "accepted"]


def test_where_names_are_hashes_two_of_a_size_are_never_open_together(world: World):
    """Neither could be told from the other if both answers were lost."""
    world.far.shows_names = False
    names_are_shown(world)
    first = lost(world, replace(LOST_BUT_STORED, visible_after=900.0))
    world.far.plan(LOST)
    second = world.put("b.mp4")
    assert second.stat().st_size == first.stat().st_size
    world.advance(600)
    assert [world.state(one) for one in (first, second)] == [State.CONFIRMING, State.QUEUED]
    assert world.snapshot()["queue"]["waiting_for"] == "confirming"
    world.advance(6 * HOUR)
    assert [world.state(one) for one in (first, second)] == [State.PARSED] * 2
    assert world.far.row(world.row(first).video_no) is world.far.library[1]


def test_what_lies_in_another_scope_may_be_another_rows_lost_upload(world: World):
    """One clip for two scopes, both answers lost: only the scope tells which video is whose.

    They are never under way together now; a journal of an earlier release may have them so.
    """
    other = world.folder(world.place / "other", fields=Fields(unique_id="other"))
    world.restart(folders=(*world.settings.folders, other))
    first = lost(world, LOST)
    second = other.path / "a.mp4"
    second.write_bytes(first.read_bytes())
    world.far.plan(LOST_BUT_STORED)
    world.lanes.held.add("ask")
    world.daemon.contents._suspected_of = lambda _: None
    world.wish("add", paths=[str(second)], folder="other", pay_again=True)
    assert world.state(second) is State.CONFIRMING
    later = replace(world.row(second), next_attempt_at=world.now().wall + 1200)
    world.journal.revise(world.row(second), later, world.now().wall)  # the first is asked for first
    world.lanes.held.clear()
    world.advance(4 * HOUR)
    assert [world.state(one) for one in (first, second)] == [State.PARSED] * 2
    assert world.far.row(world.row(second).video_no).scope == Scope("unique_id", "other")
    assert world.far.row(world.row(first).video_no).scope == Scope("unique_id", "default")
    assert len(world.far.library) == 2


def test_a_name_in_our_tokens_shape_tells_that_names_are_shown(world: World):
    """Before anything of ours was accepted: what another row's name proves, a hash cannot hide."""
    path = lost(world, LOST)
    world.far.put("somebody's~0123abcd", path.stat().st_size)
    world.advance(3 * HOUR)
    assert world.outcomes(path) == ["not_found", "accepted"]


def test_where_names_are_hashes_a_strangers_upload_of_our_size_holds(world: World):
    world.far.shows_names = False
    names_are_shown(world)
    path = lost(world, LOST)
    strangers = {world.far.put("x", path.stat().st_size) for _ in range(2)}
    world.advance(3 * HOUR)
    row = world.row(path)
    assert (row.state, row.reason) == (State.HELD, Reason.UNCONFIRMED)
    assert all(number in row.detail for number in strangers)
    assert f"ingestd link {row.id}" in row.detail
    assert world.outcomes(path) == ["unknown"]


def held_lookalike(world: World) -> tuple[Path, Path]:
    """Two lost uploads of one size under way before names were known to be hashed.

    The first did not arrive and is looked for; the second did, and waits for a person.
    """
    world.far.shows_names = False
    first = lost(world)
    world.far.plan(refused("1", stored=True))  # known sooner than a cut
    second = world.put("b.mp4")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    other = world.put("other.mov", clip="pattern-hevc.mov")
    world.until(lambda: world.state(other) is State.PARSED)  # its name was told: a hash
    world.until(lambda: world.row(second).reason is Reason.UNCONFIRMED)
    assert world.state(first) is State.CONFIRMING
    return first, second


@pytest.mark.parametrize("verb", ["skip", "approve"])
def test_where_names_are_hashes_a_lost_video_that_a_person_gave_up_is_no_others(
    world: World, verb: str
):
    """A person need not know whether it arrived: another row of its size may not claim it."""
    world.paid_again = verb == "approve"
    first, second = held_lookalike(world)
    world.wish(verb, ids=[world.row(second).id], bulk=False)
    world.advance(9 * HOUR)
    row = world.row(first)
    assert (row.state, row.reason) == (State.HELD, Reason.UNCONFIRMED)
    assert f"ingestd link {row.id}" in row.detail


def test_a_video_that_a_person_linked_does_not_tell_how_names_are_shown(world: World):
    """It may be anybody's; others of theirs would be taken for lost uploads by that."""
    first = lost(world)
    world.far.plan(refused("1"))  # known sooner than a cut
    second = world.put("b.mp4")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    somebodys = world.far.put("somebody's own", second.stat().st_size)
    world.until(lambda: world.row(second).reason is Reason.UNCONFIRMED)
    world.wish("link", ids=[world.row(second).id], video_no=somebodys)
    world.until(lambda: world.state(second) is State.PARSED)
    world.far.put("somebody's other", first.stat().st_size)
    world.advance(3 * HOUR)
    assert world.row(first).reason is Reason.UNCONFIRMED


def test_where_names_were_shown_until_now_a_hash_of_our_size_holds(world: World):
    """The far side may have begun to hash names: not finding ours proves nothing then."""
    names_are_shown(world)
    world.far.shows_names = False
    path = lost(world, LOST_BUT_STORED)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert len(world.bodies()) == 2


def test_where_sizes_are_missing_our_name_suffices(world: World):
    """The token is taken from the size too, so that nothing is lost with it."""
    world.far.shows_sizes = False
    names_are_shown(world)
    path = lost(world, LOST_BUT_STORED)
    world.advance(3 * HOUR)
    assert world.state(path) is State.PARSED
    assert world.outcomes(path) == ["found"]
    assert len(world.bodies()) == 2


def test_a_far_side_that_shows_uploads_late_is_given_that_time(world: World):
    """After a readable no three looks over 30 s suffice, but not where videos come up late."""
    world.far.plan(Fate(visible_after=200.0))
    names_are_shown(world)
    world.advance(600)
    path = lost(world, refused("1", stored=True, visible_after=150.0))
    world.advance(1200)
    assert world.outcomes(path) == ["found"]
    assert len(world.bodies()) == 2


def test_without_the_token_nothing_is_sent_again(world: World):
    world.restart(**world.section("upload", name_token=False))
    names_are_shown(world)
    path = lost(world)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED


def test_a_person_may_choose_to_be_asked(world: World):
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    names_are_shown(world)
    path = lost(world)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert len(world.bodies()) == 2


def test_lost_answers_end_with_the_attempts(world: World):
    world.restart(**world.section("upload", max_attempts=2))
    names_are_shown(world)
    world.far.plan(LOST, LOST)
    path = world.put("a.mp4")
    world.advance(6 * HOUR)
    row = world.row(path)
    assert (row.state, row.reason, row.attempts) == (State.HELD, Reason.UNCONFIRMED, 2)
    assert len(world.bodies()) == 3


# --- what counts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [DOWN, Trouble(Refusal.RATE, "too fast"), Trouble(Refusal.GARBLED, "half an answer")],
    ids=["down", "0429", "garbled"],
)
def test_looks_that_bring_no_answer_spend_nothing(world: World, trouble: Trouble):
    names_are_shown(world)
    path = lost(world)
    world.far.fail_reads(*[trouble] * 1000)
    world.advance(10 * HOUR)
    assert world.state(path) is State.CONFIRMING
    assert looks(world, path) == 0
    world.far.read_troubles.clear()
    world.advance(HOUR - 60)
    assert world.state(path) is State.CONFIRMING
    world.advance(HOUR)
    assert world.state(path) is State.PARSED


def test_an_outage_in_the_middle_spends_nothing(world: World):
    names_are_shown(world)
    path = lost(world)
    world.advance(HOUR / 2)
    before = world.row(path).asked_s
    world.far.down = True
    world.advance(10 * HOUR)
    assert world.row(path).asked_s == before
    world.far.down = False
    world.advance(HOUR / 2)
    assert world.state(path) is State.CONFIRMING
    world.advance(HOUR)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("step", [24 * HOUR, -24 * HOUR])
def test_a_step_of_the_wall_clock_spends_nothing(world: World, step: float):
    names_are_shown(world)
    path = lost(world)
    world.advance(600)
    world.wall_error += step
    began = world.elapsed
    world.until(lambda: world.state(path) is not State.CONFIRMING)
    assert HOUR - 600 <= world.elapsed - began <= 2 * HOUR


def test_downtime_spends_nothing_and_what_was_spent_is_kept(world: World):
    names_are_shown(world)
    path = lost(world)
    world.advance(HOUR / 2)
    before = world.row(path).asked_s
    assert before > HOUR / 3
    world.elapsed += 10 * HOUR
    world.restart()
    world.advance(1)
    assert before <= world.row(path).asked_s <= before + 1
    world.advance(HOUR)
    assert world.state(path) is State.PARSED


def test_the_walk_ends_at_what_was_there_before(world: World):
    for number in range(1000):
        world.far.put(f"old {number}", 1000 + number)
    names_are_shown(world)
    before = len(world.far.reads)
    path = lost(world)
    world.until(lambda: looks(world, path) == 2)
    pages = [call for call in world.far.reads[before:] if "page=2" in call]
    assert pages == []


def test_a_page_of_unreadable_rows_is_not_the_end_of_the_list():
    asked = []

    class Far:
        def list_videos(self, scope, *, page=1, size=200, video_name=None):
            asked.append(page)
            if video_name is not None:
                return Page((), 1, 0)
            ours = (Video("VI1", "PARSE", "a~01234567", 5, 10.0),) if page == 2 else ()
            return Page(ours, page, None, rows=200 if page < 3 else 0)

    ended = jobs.search(Far(), looked_for(None, found=bool))
    assert [video.video_no for video in ended.videos] == ["VI1"]


def test_a_list_without_an_end_proves_nothing():
    class Far:
        def list_videos(self, scope, *, page=1, size=200, video_name=None):
            return Page((Video("VI1", "PARSE", "other", 5, 10.0),), page, None, rows=1)

    ended = jobs.search(Far(), looked_for(1.0, found=lambda _: False))
    assert ended.trouble is not None


def test_the_scope_of_an_attempt_is_used_whatever_a_reload_changed(world: World):
    path = lost(world, replace(LOST_BUT_STORED, visible_after=300.0))
    fields = replace(world.settings.folders[0].fields, unique_id="elsewhere")
    world.reload(folders=(replace(world.settings.folders[0], fields=fields),))
    world.advance(HOUR)
    assert world.state(path) is State.PARSED
    assert world.row(path).scope == "unique_id=default"
    assert not any("elsewhere" in call for call in world.far.reads)


def test_many_lost_answers_are_all_resolved(world: World):
    names_are_shown(world)
    world.far.plan(*[LOST, LOST_BUT_STORED, Fate(answer(http=502)), READABLE, TAKEN] * 3)
    paths = [world.put(f"{number}.mp4") for number in range(15)]
    world.advance(6 * HOUR)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert len(world.far.library) == 16
