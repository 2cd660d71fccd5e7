"""approve, skip, link, retry: what people decide about rows (interface 3; rules R2, R3, R5, R6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, LOST_BUT_STORED, Fate, answer
from ingestd.config import ConfirmThen, Fields, Guard, Oversize
from ingestd.model import Reason, State
from world import World, worlds

if TYPE_CHECKING:
    from pathlib import Path


HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def held(world: World, count: int = 1) -> list[Path]:
    """Files that the first look holds."""
    world.restart(guard=Guard(first_look_files=0))
    paths = [world.put(f"clip{number}.mp4") for number in range(count)]
    world.advance(60)
    assert {world.state(path) for path in paths} == {State.HELD}
    world.reload(guard=Guard(first_look_files=None))
    return paths


def unconfirmed(world: World, fate: Fate = LOST) -> Path:
    """A file whose upload's answer was lost for good."""
    then = ConfirmThen.HOLD
    world.restart(**world.section("indexing", confirm_then=then, confirm_for=60.0))
    path = world.put("lost.mp4")
    world.far.plan(fate)
    world.until(lambda: world.state(path) in (State.HELD, State.PARSED), limit=20_000)
    return path


def wish(world: World, verb: str, path: Path, **args) -> str:
    """Say it about a file; "" or why not."""
    answer = world.wish(verb, ids=[world.row(path).id], **args)
    return answer["refused"][0]["why"] if answer["refused"] else ""


# --- approve ------------------------------------------------------------------------------------


def test_approved_twice_is_approved_once(world: World):
    (path,) = held(world)
    world.wish("pause")
    assert wish(world, "approve", path) == ""
    assert wish(world, "approve", path) == ""
    world.wish("resume")
    world.advance(300)
    assert world.way(path) == ["held", "queued", "uploading", "indexing", "parsed"]
    assert "nothing to approve" in wish(world, "approve", path)


def test_what_was_queued_anyway_needs_no_approval(world: World):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(60)
    assert "queued already" in wish(world, "approve", path)


def test_by_filter_what_may_be_paid_is_left_alone_and_by_its_number_it_goes(world: World):
    path = unconfirmed(world)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert "by its own number" in wish(world, "approve", path, bulk=True)
    assert "by its own number" in wish(world, "skip", path, bulk=True)
    world.wish("pause")
    assert wish(world, "approve", path) == ""
    assert "paid for twice" in world.row(path).detail
    world.wish("resume")
    world.advance(600)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == 1


def test_an_approved_upload_that_had_arrived_after_all_is_adopted_and_not_paid_twice(world: World):
    path = unconfirmed(world, replace(LOST_BUT_STORED, visible_after=HOUR))
    world.elapsed += HOUR
    wish(world, "approve", path)
    world.advance(600)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == 1


def test_zeros_at_the_end_that_are_right_are_taken_when_a_person_says_so(world: World):
    data = world.content("zeros")
    at = data.index(b"mdat") + 4
    size = int.from_bytes(data[at - 8 : at - 4], "big") - 8
    path = world.drop / "zeros.mp4"
    path.write_bytes(data[: at + size // 2] + bytes(size - size // 2) + data[at + size :])
    world.advance(2700)
    assert world.row(path).reason is Reason.INCOMPLETE
    assert "ingestd approve" in world.row(path).detail
    assert wish(world, "approve", path) == ""
    world.restart()
    world.advance(600)
    assert world.state(path) is State.PARSED
    other = bytearray(path.read_bytes())
    other[at] ^= 1
    path.write_bytes(other)
    world.advance(8000)
    assert world.row(path).reason is Reason.INCOMPLETE  # other bytes were not approved


def test_a_copy_that_did_not_end_is_not_mended_by_approving(world: World):
    path = world.drop / "cut.mp4"
    path.write_bytes(world.content("cut")[:2000])
    world.advance(2700)
    assert "does not mend" in wish(world, "approve", path)


def test_oversize_is_held_where_the_rules_say_so_and_goes_when_approved(world: World):
    world.restart(**world.section("validate", max_size=100, oversize=Oversize.HOLD))
    path = world.put("big.mp4")
    world.advance(60)
    assert (world.state(path), world.row(path).reason) == (State.HELD, Reason.OVERSIZE)
    assert wish(world, "approve", path) == ""
    world.restart()
    world.advance(300)
    assert world.state(path) is State.PARSED


def test_over_the_far_sides_limit_approving_is_refused(world: World):
    world.restart(**world.section("validate", max_size=100, oversize=Oversize.HOLD))
    path = world.put("big.mp4")
    world.advance(60)
    row = world.row(path)
    huge = replace(row, stat=replace(row.stat, size=3_000_000_001))
    world.journal.revise(row, huge, world.now().wall)
    assert "split it" in wish(world, "approve", path)


# --- skip ---------------------------------------------------------------------------------------


def test_skipped_is_not_sent_nor_is_a_copy_of_it_until_it_is_approved(world: World):
    (path,) = held(world)
    assert wish(world, "skip", path) == ""
    copy = world.put("copy.mp4", salt=path.name)
    world.restart()
    world.advance(600)
    assert (world.state(path), world.state(copy)) == (State.SKIPPED, State.DUPLICATE)
    assert world.far.attempts == []
    assert wish(world, "skip", path) == ""
    assert wish(world, "approve", path) == ""
    world.advance(300)
    assert (world.state(path), world.state(copy)) == (State.PARSED, State.DUPLICATE)


def test_what_was_skipped_before_an_approval_by_filter_is_done_stays_skipped(world: World):
    """Both are said while nothing runs, so that the filter still saw it as held."""
    (path,) = held(world)
    wish(world, "skip", path)
    assert "skipped meanwhile" in wish(world, "approve", path, bulk=True, states=["held"])
    assert world.state(path) is State.SKIPPED
    assert wish(world, "approve", path, bulk=True, states=["skipped"]) == ""


@pytest.mark.parametrize("state", ["queued", "rejected", "failed"])
def test_what_waits_was_refused_or_failed_can_be_skipped(world: World, state: str):
    path = world.put("a.mp4")
    if state == "queued":
        world.wish("pause")
    if state == "rejected":
        path.write_bytes(b"no video at all, whatever its name says")
    if state == "failed":
        world.far.plan(Fate(indexed_as="FAIL"))
    world.advance(300)
    assert world.state(path) is State(state)
    assert wish(world, "skip", path) == ""
    world.wish("resume")
    world.restart()
    world.advance(4000)
    assert world.state(path) is State.SKIPPED
    assert len(world.bodies()) == (state == "failed")


def test_what_was_paid_and_skipped_is_not_paid_again_by_approving(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(indexed_as="FAIL"))
    world.advance(300)
    wish(world, "skip", path)
    assert "--pay-again" in wish(world, "approve", path)


def test_what_is_under_way_or_searchable_is_not_skipped(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    assert "indexing" in wish(world, "skip", path)
    world.advance(300)
    assert "parsed" in wish(world, "skip", path)


def test_an_upload_that_is_being_prepared_is_skipped_before_it_starts(world: World):
    path = world.put("a.mp4")
    world.until(lambda: len(world.daemon.flights) == 1)
    assert wish(world, "skip", path) == ""
    world.advance(600)
    assert world.state(path) is State.SKIPPED
    assert world.bodies() == []


# --- link ---------------------------------------------------------------------------------------


def test_link_says_which_video_it_is_and_it_is_followed(world: World):
    path = unconfirmed(world)
    other = world.put("other.mp4")
    world.advance(600)
    number = world.row(other).video_no
    assert "belongs to file" in wish(world, "link", path, video_no=number)
    assert wish(world, "link", path, video_no="VI-elsewhere") == ""
    row = world.row(path)
    assert (row.state, row.video_no) == (State.INDEXING, "VI-elsewhere")
    assert wish(world, "link", path, video_no="VI-elsewhere") == ""
    world.restart()
    world.advance(600)
    assert len(world.bodies()) == 2  # its own first one, and the other file's
    assert "only a file that is held" in wish(world, "link", other, video_no="VI-third")


# --- other scope --------------------------------------------------------------------------------


def two_scopes(world: World) -> tuple[Path, Path]:
    """The same content in two folders whose fields name two scopes; the first one is paid."""
    other = world.place / "other"
    there = world.folder(other, fields=Fields(unique_id="other"))
    world.restart(folders=(world.folder(world.drop), there))
    first = world.put("a.mp4")
    world.advance(300)
    second = other / "b.mp4"
    second.write_bytes(world.content("a.mp4"))
    world.advance(300)
    return first, second


def test_the_same_content_for_another_scope_waits_and_is_paid_for_when_approved(world: World):
    first, second = two_scopes(world)
    row = world.row(second)
    assert (row.state, row.reason) == (State.HELD, Reason.OTHER_SCOPE)
    assert f"file {world.row(first).id}" in row.detail
    assert f"ingestd approve {row.id}" in row.detail
    assert len(world.bodies()) == 1
    assert wish(world, "approve", second) == ""
    world.restart()
    world.advance(300)
    assert world.state(second) is State.PARSED
    assert len(world.bodies()) == 2


def test_a_file_for_another_scope_that_went_away_and_returns_waits_for_the_same_reason(
    world: World,
):
    _, second = two_scopes(world)
    content = second.read_bytes()
    second.unlink()
    world.advance(300)
    assert world.state(second) is State.GONE
    second.write_bytes(content)
    world.advance(300)
    assert world.row(second).reason is Reason.OTHER_SCOPE
    assert len(world.bodies()) == 1


def test_an_heir_for_another_scope_that_went_away_and_returns_waits_for_the_same_reason(
    world: World,
):
    _, second = two_scopes(world)
    heir = second.with_name("c.mp4")
    content = second.read_bytes()
    heir.write_bytes(content)
    world.advance(300)
    second.unlink()
    world.advance(300)
    assert "waits in its place" in world.row(heir).detail
    heir.unlink()
    world.advance(300)
    heir.write_bytes(content)
    world.advance(300)
    assert world.row(heir).reason is Reason.OTHER_SCOPE
    assert len(world.bodies()) == 1


def test_a_lookalike_in_another_scope_is_another_file(world: World):
    from test_daemon_content import lookalike  # noqa: PLC0415

    other = world.place / "other"
    there = world.folder(other, fields=Fields(unique_id="other"))
    world.restart(folders=(world.folder(world.drop), there))
    (world.drop / "a.mp4").write_bytes(lookalike(b"A"))
    world.advance(300)
    (other / "b.mp4").write_bytes(lookalike(b"B"))
    world.advance(600)
    assert world.state(other / "b.mp4") is State.PARSED


def test_a_copy_within_its_scope_is_a_duplicate_there_too(world: World):
    _, second = two_scopes(world)
    wish(world, "approve", second)
    world.advance(300)
    third = second.with_name("c.mp4")
    third.write_bytes(world.content("a.mp4"))
    world.advance(300)
    assert (world.state(third), world.row(third).duplicate_of) == (
        State.DUPLICATE,
        world.row(second).id,
    )


@pytest.mark.parametrize(("verb", "state"), [("retry", "failed"), ("approve", "held")])
def test_what_another_file_took_the_place_of_is_not_sent_from_there(
    world: World, verb: str, state: str
):
    if state == "failed":
        path = world.put("a.mp4")
        world.far.plan(Fate(answer(http=415)))
        world.advance(300)
    else:
        path = unconfirmed(world)
    assert world.state(path) is State(state)
    path.write_bytes(world.content("another content"))
    world.advance(4000)
    old, new = world.rows(path)
    assert (old.state, new.state) == (State(state), State.PARSED)
    (refusal,) = world.wish(verb, ids=[old.id])["refused"]
    assert f"Another file lies at its path now: file {new.id}" in refusal["why"]


# --- cells of rules R6 --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["", "skip"])
def test_a_held_or_skipped_file_that_changes_is_replaced_by_a_new_row(world: World, verb: str):
    (path,) = held(world)
    if verb:
        wish(world, verb, path)
    path.write_bytes(world.content("another content"))
    world.advance(4000)
    old, new = world.rows(path)
    assert (old.state, old.reason) == (State.GONE, Reason.REPLACED)
    assert new.state is State.PARSED


def test_a_skipped_file_that_vanishes_and_comes_back_is_skipped(world: World):
    (path,) = held(world)
    wish(world, "skip", path)
    away = path.rename(world.place / "away.mp4")
    world.advance(4000)
    assert world.state(path) is State.GONE
    away.rename(path)
    world.advance(4000)
    assert world.state(path) is State.SKIPPED
    assert world.far.attempts == []


def test_the_copy_of_a_skipped_file_that_vanishes_is_skipped_in_its_place(world: World):
    (path,) = held(world)
    wish(world, "skip", path)
    copy = world.put("copy.mp4", salt=path.name)
    world.advance(120)
    path.unlink()
    world.advance(4000)
    assert (world.state(path), world.state(copy)) == (State.GONE, State.SKIPPED)
    assert world.far.attempts == []


def test_an_unconfirmed_file_that_vanishes_stays_held(world: World):
    path = unconfirmed(world)
    path.unlink()
    world.advance(8000)
    assert (world.state(path), world.row(path).reason) == (State.HELD, Reason.UNCONFIRMED)


def test_a_rejected_file_that_vanishes_is_gone_and_is_judged_when_it_comes_back(world: World):
    path = world.put("a.mp4")
    world.restart(**world.section("validate", max_size=100))
    world.advance(60)
    away = path.rename(world.place / "away.mp4")
    world.advance(4000)
    assert world.state(path) is State.GONE
    world.reload(**world.section("validate", max_size=10**9))
    away.rename(path)
    world.advance(600)
    assert world.state(path) is State.PARSED
    assert len(world.rows(path)) == 1


@pytest.mark.parametrize("verb", ["", "skip"])
def test_a_folder_that_is_not_configured_keeps_what_waits_for_a_person(world: World, verb: str):
    (path,) = held(world)
    if verb:
        wish(world, verb, path)
    before = world.state(path)
    world.reload(folders=(world.folder(world.place / "elsewhere"),))
    world.advance(4000)
    assert world.state(path) is before
    wish(world, "approve", path)
    world.advance(4000)
    assert world.state(path) is State.QUEUED  # kept, not attempted
    world.reload(folders=(world.folder(world.drop),))
    world.advance(4000)
    assert world.state(path) is State.PARSED


# --- changed rules ------------------------------------------------------------------------------


def test_a_reload_says_what_the_changed_rules_would_take_and_takes_nothing(world: World):
    world.restart(**world.section("validate", max_size=100))
    paths = [world.put(f"{number}.mp4") for number in range(3)]
    wrong = world.drop / "wrong.mp4"
    wrong.write_bytes(b"no video at all")
    world.advance(60)
    assert {world.state(path) for path in [*paths, wrong]} == {State.REJECTED}
    world.reload(**world.section("validate", max_size=10**9))
    world.advance(4000)
    (said,) = world.events.named("config.rules_changed")
    assert said["detail"] == (
        "3 rejected files would be taken now: ingestd retry --reason too_large"
    )
    assert {world.state(path) for path in paths} == {State.REJECTED}
    world.restart()
    world.reload()
    world.advance(60)
    assert len(world.events.named("config.rules_changed")) == 1
    world.wish("retry", ids=[world.row(path).id for path in paths])
    world.advance(600)
    assert {world.state(path) for path in paths} == {State.PARSED}


def test_what_was_retried_is_not_held_by_the_guard(world: World):
    world.restart(**world.section("validate", max_size=100))
    path = world.put("a.mp4")
    world.advance(60)
    world.reload(guard=Guard(max_files=1, max_bytes=1), **world.section("validate", max_size=10**9))
    wish(world, "retry", path)
    world.advance(300)
    assert world.state(path) is State.PARSED


def test_retry_of_what_is_held_names_the_right_command(world: World):
    (path,) = held(world)
    assert wish(world, "retry", path) == f"It is held: ingestd approve {world.row(path).id}"
