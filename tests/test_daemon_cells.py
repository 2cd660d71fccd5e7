"""Cells of the table of states and events (rules R6) that no other test of a desk asks for."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, LOST_BUT_STORED, Fate
from ingestd.model import State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def test_uploading_a_read_error_before_the_mark_puts_it_back(world: World, monkeypatch):
    path = world.put("a.mp4")
    real, failing = os.pread, [True]

    def pread(fd: int, length: int, offset: int) -> bytes:
        if failing and offset == 0 and world.far.attempts:
            failing.clear()
            raise OSError(5, "Input/output error")
        return real(fd, length, offset)

    monkeypatch.setattr("ingestd.remote.body.os.pread", pread)
    world.advance(200)
    assert not failing
    assert world.outcomes(path) == ["not_sent", "accepted"]
    assert world.row(path).attempts == 0
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("what", ["vanished", "changed", "root lost"])
def test_confirming_whatever_becomes_of_the_file_the_upload_is_looked_for(world: World, what: str):
    path = world.put("a.mp4")
    world.far.plan(replace(LOST_BUT_STORED, visible_after=600.0))
    world.until(lambda: world.state(path) is State.CONFIRMING)
    match what:
        case "vanished":
            path.unlink()
        case "changed":
            world.put("a.mp4", salt="other")
        case "root lost":
            world.drop.rename(world.place / "away")
    world.advance(HOUR)
    assert world.journal.item(1).state is State.PARSED
    assert world.journal.item(1).video_no == world.far.library[0].video.video_no
    if what == "root lost":
        (world.place / "away").rename(world.drop)
        world.advance(100)


@pytest.mark.parametrize("what", ["changed", "vanished"])
def test_confirming_and_not_found_the_file_is_gone_and_its_lost_attempt_is_said(
    world: World, what: str
):
    world.put("before.mp4")
    world.advance(100)
    path = world.put("a.mp4")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    if what == "vanished":
        path.unlink()
    else:
        world.put("a.mp4", salt="other")
    world.calm()
    world.advance(3 * HOUR)
    row = world.journal.item(2)
    assert row.state is State.GONE
    assert "was never confirmed" in row.detail
    assert len(world.far.library) == (1 if what == "vanished" else 2)


def test_parsed_deleted_at_the_far_side_nothing(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    world.far.delete(world.row(path).video_no)
    world.calm()
    world.restart()
    world.advance(3 * HOUR)
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 1


def test_parsed_deleted_here_and_put_back_nothing(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    content, stat = path.read_bytes(), path.stat()
    path.unlink()
    world.advance(100)
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    world.advance(300)
    assert world.state(path) in {State.PARSED, State.DUPLICATE}
    assert len(world.bodies()) == 1


def test_uploading_a_changed_file_sent_again_says_that_the_first_was_never_confirmed(world: World):
    world.put("before.mp4")
    world.advance(100)
    path = world.put("a.mp4")
    world.far.plan(LOST, Fate(during=lambda _: world.put("a.mp4", salt="other")))
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.calm()
    world.advance(3 * HOUR)
    old, new = world.rows(path)
    assert (old.state, new.state) == (State.GONE, State.PARSED)
    assert "was never confirmed" in old.detail
