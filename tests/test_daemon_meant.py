"""What a person said counts for the file that was meant, and for no later one (rules R3, R4)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, Fate
from ingestd.config import ConfirmThen
from ingestd.model import Reason, State
from world import World, worlds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def parsed(world: World, name: str, salt: str) -> Path:
    path = world.put(name, salt=salt)
    world.advance(200)
    assert world.state(path) is State.PARSED
    return path


def wish(world: World, verb: str, number: int, **args) -> str:
    """Say it about a row; "" or why not."""
    answer = world.wish(verb, ids=[number], **args)
    return answer["refused"][0]["why"] if answer["refused"] else ""


def touched(path: Path) -> None:
    """Give a file another mtime; its bytes stay."""
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


# --- --pay-again --------------------------------------------------------------------------------


def test_pay_again_does_not_pay_for_the_file_that_took_its_path(world: World):
    path = parsed(world, "a.mp4", "one")
    old = world.row(path).id
    path = parsed(world, "a.mp4", "other")
    assert "Another file lies at its path" in wish(world, "retry", old, pay_again=True)
    world.advance(300)
    assert len(world.far.library) == 2


@pytest.mark.parametrize("verb", ["add", "retry"])
def test_pay_again_does_not_pay_for_what_a_file_became_after_it_was_said(world: World, verb: str):
    """The file is rewritten, with what is paid already, before it is looked into."""
    other = parsed(world, "other.mp4", "other")
    path = parsed(world, "a.mp4", "one")
    world.lanes.held.add("probe")
    if verb == "add":
        world.wish("add", paths=[str(path)], pay_again=True)
    else:
        wish(world, "retry", world.row(path).id, pay_again=True)
    path.write_bytes(other.read_bytes())
    world.lanes.held.clear()
    world.advance(300)
    assert world.state(path) is State.DUPLICATE
    assert len(world.far.library) == 2


# --- skip ---------------------------------------------------------------------------------------


def paid_and_skipped(world: World) -> Path:
    path = world.put("a.mp4", salt="one")
    world.far.plan(Fate(indexed_as="FAIL"))
    world.until(lambda: world.state(path) is State.FAILED)
    assert wish(world, "skip", world.row(path).id) == ""
    return path


def doubtful_and_skipped(world: World) -> Path:
    then = ConfirmThen.HOLD
    world.restart(**world.section("indexing", confirm_then=then, confirm_for=60.0))
    path = world.put("a.mp4", salt="one")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.HELD, limit=20_000)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert wish(world, "skip", world.row(path).id) == ""
    return path


MADE = {"paid": paid_and_skipped, "doubtful": doubtful_and_skipped}


@pytest.mark.parametrize("made", MADE)
def test_what_may_be_paid_and_is_skipped_stays_known_when_its_file_goes(world: World, made: str):
    path = MADE[made](world)
    path.unlink()
    world.advance(120)
    bodies = len(world.bodies())
    copy = world.put("b.mp4", salt="one")
    world.advance(600)
    assert world.state(copy) is State.DUPLICATE
    assert len(world.bodies()) == bodies


@pytest.mark.parametrize("made", MADE)
def test_what_may_be_paid_and_is_skipped_stays_known_when_its_file_changes(world: World, made: str):
    path = MADE[made](world)
    bodies = len(world.bodies())
    path.write_bytes(world.content("other"))
    copy = world.put("b.mp4", salt="one")
    world.advance(600)
    assert (world.state(path), world.state(copy)) == (State.PARSED, State.DUPLICATE)
    assert len(world.bodies()) == bodies + 1


@pytest.mark.parametrize("made", MADE)
def test_a_skipped_file_that_is_touched_is_not_sent(world: World, made: str):
    path = MADE[made](world)
    bodies = len(world.bodies())
    touched(path)
    world.advance(600)
    assert world.state(path) is State.SKIPPED  # the same row: it is the same byte for byte
    assert len(world.bodies()) == bodies


def test_a_skipped_file_whose_content_is_known_and_that_is_touched_is_not_sent(world: World):
    world.wish("pause")
    path = world.put("a.mp4", salt="one")
    world.advance(60)
    copy = world.put("b.mp4", salt="one")
    world.advance(60)
    assert wish(world, "skip", world.row(path).id) == ""
    world.advance(60)
    assert world.state(copy) is State.DUPLICATE  # so that its content is known now
    touched(path)
    world.wish("resume")
    world.advance(600)
    assert world.state(path) is State.SKIPPED
    assert world.bodies() == []
