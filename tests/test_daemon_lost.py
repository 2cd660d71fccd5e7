"""Whole directories that go away, and files that a changed configuration no longer means."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ingestd.config import Guard
from ingestd.model import State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def queued_card(world: World) -> list[Path]:
    world.wish("pause", now=False, until=None)
    paths = [world.put("CARD/a.mp4"), world.put("CARD/DCIM/b.mp4")]
    world.advance(600)
    assert [world.state(path) for path in paths] == [State.QUEUED, State.QUEUED]
    return paths


def test_a_removed_directory_takes_its_unsent_files_with_it_after_two_passes(world: World):
    paths = queued_card(world)
    shutil.rmtree(world.drop / "CARD")
    world.advance(1)
    assert [world.state(path) for path in paths] == [State.QUEUED, State.QUEUED]
    world.advance(3 * HOUR)
    assert [world.state(path) for path in paths] == [State.GONE, State.GONE]
    assert world.far.attempts == []


def test_a_directory_that_comes_back_in_time_loses_nothing(world: World):
    paths = queued_card(world)
    (world.drop / "CARD").rename(world.drop.parent / "elsewhere")
    world.advance(1)
    (world.drop.parent / "elsewhere").rename(world.drop / "CARD")
    world.advance(3 * HOUR)
    world.wish("resume")
    world.until(lambda: {world.state(path) for path in paths} == {State.PARSED})
    assert len(world.rows()) == 2


def test_a_missing_root_takes_nothing_with_it(world: World):
    paths = queued_card(world)
    world.drop.rename(world.drop.parent / "away")
    world.advance(3 * HOUR)
    assert [world.state(path) for path in paths] == [State.QUEUED, State.QUEUED]
    (world.drop.parent / "away").rename(world.drop)
    world.advance(600)
    assert [world.state(path) for path in paths] == [State.QUEUED, State.QUEUED]


def test_a_lost_journal_pays_for_nothing_again_however_many_clips_there_are(world: World):
    """The names at the far side hold our tokens: each one is looked for while they are found."""
    many = 130
    world.restart(guard=Guard(max_files=0))
    for number in range(many):
        world.put(f"{number}.mp4")
    world.until(lambda: len(world.far.attempts) == many)
    world.advance(600)
    world._stop()
    shutil.rmtree(world.state_dir)
    world._start()
    world.advance(1200)
    assert [row.state for row in world.rows()] == [State.PARSED] * many
    assert len(world.far.attempts) == many


def test_a_hint_of_what_is_no_video_asks_for_no_look(world: World):
    world.advance(10)
    (world.drop / "note.xml").write_text("<x/>")
    watched = world.daemon.seeing.watched[world.daemon.ctx.settings.folders[0].name]
    world.hint(world.drop / "note.xml")
    world.daemon.step(world.now())
    assert not watched.looks
    assert not watched.looking
