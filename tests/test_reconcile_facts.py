"""What a recovered journal concludes from samples, skips and older copies (rules R3, R4, R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, LOST_BUT_STORED, refused
from ingestd.config import ConfirmThen
from ingestd.model import Reason, State
from lookalikes import lookalike, put_lookalikes
from test_daemon_confirming import HOUR, held_lookalike, lost, names_are_shown
from world import World, slow_worlds, worlds

if TYPE_CHECKING:
    from pathlib import Path

from losing import (
    READABLE,
    ROTATED,
    copied,
    lose,
    other_account,
    paid,
    recover,
    stored_as,
)


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


@pytest.fixture
def fast(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.mark.parametrize("how", ["recovered", "older copy"])
def test_a_linked_video_does_not_come_back_from_the_mirror_as_accepted(world: World, how: str):
    """It may be anybody's: that its name is a hash says nothing of ours."""
    first = lost(world, READABLE)
    somebodys = world.far.put("somebody's own", first.stat().st_size)
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    older = copied(world)
    world.wish("link", ids=[world.row(first).id], video_no=somebodys)
    if how == "recovered":
        lose(world)
        recover(world)
    else:
        lose(world, older)
        world._start()
    world.until(lambda: world.state(first) is State.PARSED)
    world.far.plan(LOST)
    second = world.put("b.mp4")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    world.far.put("somebody's other", second.stat().st_size)
    world.advance(3 * HOUR)
    assert world.row(second).reason is Reason.UNCONFIRMED


def test_a_lost_upload_that_was_sent_again_is_a_rival_after_recover_too(world: World):
    world.paid_again = True
    first, second = held_lookalike(world)
    world.wish("approve", ids=[world.row(second).id], bulk=False)
    world.until(lambda: world.state(second) is State.PARSED)
    lose(world)
    recover(world)
    world.advance(9 * HOUR)
    assert world.row(first).reason is Reason.UNCONFIRMED


@pytest.mark.parametrize("how", ["lost", "older copy"])
def test_after_recover_the_account_in_use_is_known(fast: World, how: str):
    """Else what is paid there is no original of anything: each copy is paid for again."""
    world = fast
    world.reload()
    paid(world, "a.mp4")
    older = copied(world)
    other_account(world)
    paid(world, "b.mp4")
    lose(world, older if how == "older copy" else None)
    recover(world)
    world.daemon.reconfigure(world.settings, ROTATED)
    copy = world.put("copy.mp4", salt="b.mp4")
    world.advance(600)
    assert world.state(copy) is State.DUPLICATE


def test_what_is_in_doubt_at_another_account_stays_so_after_recover(fast: World):
    world = fast
    world.reload()
    paid(world, "a.mp4")
    world.far.plan(LOST_BUT_STORED)
    path = world.put("lost.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    other_account(world)
    paid(world, "b.mp4")
    assert world.row(path).reason is Reason.UNCONFIRMED
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert len(world.bodies()) == 3


@pytest.mark.parametrize("where", ["elsewhere", "at its path"])
def test_recover_does_not_take_a_lookalike_for_the_paid_file(fast: World, where: str):
    world = fast
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.PARSED)
    lose(world)
    first.unlink()
    second = world.drop / "other.mp4" if where == "elsewhere" else first
    second.write_bytes(lookalike(b"two"))
    world._start()
    world.until(lambda: world.state(second) is State.QUEUED)
    world._stop()
    recover(world)
    world.advance(HOUR)
    assert world.state(second) is State.PARSED
    assert len(world.bodies()) == 2


def test_recover_forgets_no_lost_upload_because_a_lookalike_is_paid(fast: World):
    world = fast
    world.far.shows_names = False
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.PARSED)
    second = world.drop / "other.mp4"
    world.far.plan(LOST_BUT_STORED)
    second.write_bytes(lookalike(b"two"))
    world.until(lambda: world.state(second) is State.CONFIRMING)
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert len(world.bodies()) == 2


def test_recover_does_not_skip_a_lookalike_of_what_was_skipped(fast: World):
    world = fast
    world.wish("pause")
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.QUEUED)
    world.wish("skip", ids=[world.row(first).id])
    world.wish("resume")
    lose(world)
    first.unlink()
    second = world.drop / "other.mp4"
    second.write_bytes(lookalike(b"two"))
    world._start()
    world.until(lambda: world.state(second) is State.QUEUED)
    world._stop()
    recover(world)
    world.advance(HOUR)
    assert world.state(second) is State.PARSED


def test_recover_skips_both_of_two_lookalikes_that_were_skipped(fast: World):
    world = fast
    world.wish("pause")
    paths = put_lookalikes(world, b"one", b"two")
    world.until(lambda: {world.state(path) for path in paths} == {State.QUEUED})
    world.wish("skip", ids=[world.row(path).id for path in paths])
    world.wish("resume")
    lose(world)
    recover(world)
    world.advance(HOUR)
    assert [world.state(path) for path in paths] == [State.SKIPPED] * 2


def test_recover_gives_a_video_to_none_of_two_lost_lookalikes(fast: World):
    world = fast
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    (first,) = put_lookalikes(world, b"one")
    world.far.plan(LOST)
    world.until(lambda: world.state(first) is State.CONFIRMING)
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    second = world.drop / "other.mp4"
    world.far.plan(LOST_BUT_STORED)
    second.write_bytes(lookalike(b"two"))
    world.until(lambda: world.state(second) is State.CONFIRMING)
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert world.row(first).video_no is None


def test_what_was_given_up_and_then_found_is_known_after_recover(world: World):
    names_are_shown(world)
    world.far.plan(refused("1", stored=True, visible_after=100.0))
    path = world.put("a.mp4")
    world.until(lambda: world.row(path) is not None and world.outcomes(path) == ["not_found"])
    world.wish("pause")
    world.advance(200)
    world.wish("resume")
    world.until(lambda: world.state(path) is State.PARSED)
    number = world.row(path).video_no
    lose(world)
    path.rename(world.drop / "renamed.mp4")
    recover(world)
    world.advance(HOUR)
    assert number in {row.video_no for row in world.rows()}
    assert len(world.bodies()) == 2


def test_a_video_of_another_file_at_the_path_is_not_its_earlier_attempts(world: World):
    names_are_shown(world)
    world.far.plan(READABLE)
    path = world.put("a.mp4")
    content = path.read_bytes()
    world.until(lambda: world.row(path) is not None and world.outcomes(path) == ["not_found"])
    world.wish("pause")
    path.unlink()
    world.hint(path)
    world.until(lambda: world.state(path) is State.GONE)
    path.write_bytes(world.content("another"))
    world.far.put(stored_as(path), path.stat().st_size)
    world.hint(path)
    world.until(lambda: world.state(path) is State.QUEUED)
    world.wish("resume")
    world.until(lambda: world.state(path) is State.PARSED)  # it was there
    lose(world)
    recover(world)
    other = world.drop / "first.mp4"
    other.write_bytes(content)
    world.hint(other)
    world.advance(HOUR)
    assert world.state(other) is State.PARSED
    assert len(world.bodies()) == 3


def test_what_was_skipped_in_doubt_is_not_sent_after_recover(world: World):
    first = lost(world, READABLE)
    world.far.put("0" * 32, first.stat().st_size)
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    world.wish("skip", ids=[world.row(first).id], bulk=False)
    world.far.library.clear()
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert world.state(first) is State.SKIPPED
    assert len(world.bodies()) == 1
