"""What people ask for through commands (interface 3): done once, answered, never paid by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import Fate, answer
from ingestd.journal import Selection, add_wish
from ingestd.model import GateName, Reason, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def parsed(world: World, name: str = "a.mp4") -> Path:
    path = world.put(name)
    world.advance(200)
    assert world.state(path) is State.PARSED
    return path


def refused_for_good(world: World) -> Path:
    path = world.put("a.mp4")
    world.far.plan(Fate(answer(http=415)))
    world.advance(60)
    assert world.state(path) is State.FAILED
    return path


# --- retry --------------------------------------------------------------------------------------


def test_retry_sends_what_was_refused_once_more(world: World):
    path = refused_for_good(world)
    row = world.row(path)
    assert world.wish("retry", ids=[row.id])["done"] == [row.id]
    world.advance(200)
    assert world.way(path)[-4:] == ["queued", "uploading", "indexing", "parsed"]
    assert world.row(path).attempts == 0


def test_retry_judges_a_rejected_file_anew(world: World):
    path = world.drop / "a.mp4"
    path.write_bytes(world.content("a"))
    world.restart(**world.section("validate", max_size=100))
    world.advance(60)
    assert world.row(path).reason is Reason.TOO_LARGE
    world.reload(**world.section("validate", max_size=10**9))
    world.advance(60)
    assert world.state(path) is State.REJECTED
    assert world.wish("retry", ids=[world.row(path).id])["refused"] == []
    world.advance(200)
    assert world.way(path) == ["rejected", "queued", "uploading", "indexing", "parsed"]


def test_retry_of_what_is_still_wrong_changes_nothing(world: World):
    path = world.drop / "a.mp4"
    path.write_bytes(b"no video at all, whatever its name says")
    world.advance(60)
    world.wish("retry", ids=[world.row(path).id])
    world.advance(60)
    assert world.way(path) == ["rejected"]


def test_retry_refuses_what_it_cannot_do_in_words(world: World):
    paths = [parsed(world), world.put("b.mp4")]
    world.wish("pause")
    world.advance(60)
    ids = [*(world.row(path).id for path in paths), 4711]
    answer = world.wish("retry", ids=ids)
    why = {one["id"]: one["why"] for one in answer["refused"]}
    assert answer["done"] == []
    assert "--pay-again" in why[ids[0]]
    assert "queued" in why[ids[1]]
    assert "not in the journal" in why[4711]


def test_only_pay_again_uploads_what_was_paid_and_exactly_once(world: World):
    world.paid_again = True
    path = parsed(world)
    row = world.row(path)
    world.wish("retry", ids=[row.id], pay_again=True)
    world.advance(300)
    old, new = world.rows(path)
    assert (old.state, new.state) == (State.PARSED, State.PARSED)
    assert old.video_no != new.video_no
    world.restart()
    world.advance(300)
    assert len(world.far.library) == 2
    assert not new.pay_again


def test_pay_again_of_a_failed_indexing_keeps_what_was_billed(world: World):
    world.paid_again = True
    path = world.put("a.mp4")
    world.far.plan(Fate(indexed_as="FAIL"))
    world.advance(200)
    world.wish("retry", ids=[world.row(path).id], pay_again=True)
    world.advance(300)
    assert [row.state for row in world.rows(path)] == [State.FAILED, State.PARSED]
    assert len(world.far.library) == 2


def test_pay_again_does_not_take_the_paid_one_for_its_own(world: World):
    """The name is the same, and its first attempt ends before its last byte."""
    world.paid_again = True
    path = parsed(world)
    world.far.plan(Fate(connected=False, stored=False))
    world.wish("retry", ids=[world.row(path).id], pay_again=True)
    world.advance(300)
    assert len(world.far.library) == 2
    assert len({row.video_no for row in world.rows(path)}) == 2


def test_pay_again_of_a_file_that_is_not_there_pays_for_no_later_one(world: World):
    path = parsed(world)
    row = world.row(path)
    path.unlink()
    world.wish("retry", ids=[row.id], pay_again=True)
    world.advance(60)
    path.write_bytes(world.content("a.mp4"))
    world.advance(300)
    assert [row.id for row in world.rows(path)] == [row.id]  # the same file is back
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 1


def test_retry_of_a_file_that_is_not_there_skips_no_quiet_time_of_a_later_one(world: World):
    path = world.drop / "a.mp4"
    path.write_bytes(b"no video at all, whatever its name says")
    world.advance(60)
    path.unlink()
    world.wish("retry", ids=[world.row(path).id])
    world.advance(300)
    world.put("a.mp4")
    world.advance(10)
    assert world.state(path) is State.GONE
    world.advance(300)
    assert world.state(path) is State.PARSED


# --- forget -------------------------------------------------------------------------------------


def test_a_forgotten_row_is_hidden_and_its_content_stays_paid(world: World):
    path = parsed(world)
    row = world.row(path)
    assert world.wish("forget", ids=[row.id])["done"] == [row.id]
    assert list(world.journal.items(Selection())) == []
    world.put("copy.mp4", salt="a.mp4")
    path.rename(world.drop / "renamed.mp4")
    world.restart()
    world.advance(300)
    assert len(world.bodies()) == 1
    assert world.row(world.drop / "copy.mp4").state is State.DUPLICATE


def test_a_forgotten_unfinished_file_stays_hidden_until_it_changes(world: World):
    path = world.drop / "a.mp4"
    path.write_bytes(world.content("a")[:1000])
    world.advance(2700)
    assert world.row(path).reason is Reason.INCOMPLETE
    world.wish("forget", ids=[world.row(path).id])
    world.advance(1200)
    assert world.row(path).hidden
    path.write_bytes(world.content("a"))
    world.advance(900)
    assert world.state(path) is State.PARSED
    assert not world.row(path).hidden


def test_what_is_under_way_is_not_forgotten(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    answer = world.wish("forget", ids=[world.row(path).id])
    assert answer["done"] == []
    assert "indexing" in answer["refused"][0]["why"]


# --- pause and resume ---------------------------------------------------------------------------


def test_a_pause_survives_restarts_and_lets_following_go_on(world: World):
    first = world.put("first.mp4")
    world.until(lambda: world.state(first) is State.INDEXING)
    world.wish("pause")
    second = world.put("second.mp4")
    world.restart()
    world.advance(3600)
    assert (world.state(first), world.state(second)) == (State.PARSED, State.QUEUED)
    world.wish("resume")
    world.advance(200)
    assert world.state(second) is State.PARSED


def test_a_pause_until_a_time_ends_by_itself(world: World):
    world.wish("pause", until=world.now().wall + 600)
    path = world.put("a.mp4")
    world.advance(590)
    assert world.state(path) is State.QUEUED
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert world.gate(GateName.PAUSED) is None


def test_pause_lets_what_is_in_flight_end(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(during=lambda _: world.wish("pause")))
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_pause_now_ends_what_is_in_flight_before_its_last_byte(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(during=lambda _: world.wish("pause", now=True)))
    world.advance(200)
    assert (world.state(path), world.row(path).attempts) == (State.QUEUED, 0)
    assert world.far.library == []
    world.wish("resume")
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_pause_now_keeps_back_what_is_only_being_prepared(world: World):
    path = world.put("a.mp4")
    world.until(lambda: len(world.daemon.flights) == 1)
    assert world.state(path) is State.QUEUED
    world.wish("pause", now=True)
    world.advance(600)
    assert world.bodies() == []


# --- all of them --------------------------------------------------------------------------------


def test_an_unknown_verb_is_answered(world: World):
    assert "does not know dance" in world.wish("dance")["text"]


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("retry", {"ids": ["x"]}),
        ("retry", {"ids": [None]}),
        ("retry", {"ids": 3}),
        ("forget", {}),
        ("pause", {"until": "tomorrow"}),
        ("add", {"paths": [3, "", "relative.mp4"]}),
        ("add", {"paths": 7, "folder": 7}),
    ],
)
def test_a_senseless_wish_is_answered_and_holds_up_no_other(
    world: World, verb: str, args: dict[str, object]
):
    world.errors_expected = True
    first = add_wish(world.state_dir, verb, args, world.now().wall)
    world.wish("pause")
    world.restart()
    world.run_until_idle()
    assert world.journal.wish(first).done_at is not None
    assert world.gate(GateName.PAUSED) is not None


def test_wishes_left_while_nothing_ran_are_done_at_the_start(world: World):
    add_wish(world.state_dir, "pause", {}, world.now().wall)
    world.restart()
    assert world.gate(GateName.PAUSED) is not None
    assert world.journal.pending_wishes() == ()


def test_a_wish_is_done_once(world: World):
    world.paid_again = True
    path = parsed(world)
    world.wish("add", paths=[str(path)], pay_again=True)
    for _ in range(3):
        world.ask("wake")
        world.advance(100)
        world.restart()
    assert len(world.far.library) == 2
