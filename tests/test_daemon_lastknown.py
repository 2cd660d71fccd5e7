"""What is noted for `status` without a daemon: little, seldom, and what is true."""

from __future__ import annotations

import pytest

from ingestd.control import LAST_KNOWN
from world import START, World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path) as one:
        yield one


def test_scans_that_find_nothing_new_write_nothing(world: World):
    (world.drop / "sound.wav").touch()
    world.advance(60)
    writes = []
    write = world.journal.set_meta
    world.journal.set_meta = lambda key, value: (writes.append(key), write(key, value))
    world.advance(3600)
    assert LAST_KNOWN not in writes
    (world.drop / "more.wav").touch()
    world.advance(60)
    assert writes.count(LAST_KNOWN) == 1
    assert world.journal.meta(LAST_KNOWN)["folders"][0]["ignored_by"] == {".wav": 2}


def test_the_stop_notes_the_times_and_a_short_run_after_it_keeps_them(world: World):
    world.put("a.mp4")
    world.advance(300)
    world.daemon.abandon(world.now())
    known = world.journal.meta(LAST_KNOWN)
    assert START < known["api"]["last_ok_at"] <= known["folders"][0]["last_scan_at"]
    assert known["folders"][0]["state"] == "ok"
    world.restart()
    world.step()  # it ends before it has seen anything
    world.daemon.abandon(world.now())
    again = world.journal.meta(LAST_KNOWN)
    assert again["folders"] == known["folders"]
    assert again["api"]["last_ok_at"] == known["api"]["last_ok_at"]


def test_a_folder_that_went_away_is_noted(world: World):
    world.advance(60)
    world.drop.rmdir()
    world.advance(60)
    assert world.journal.meta(LAST_KNOWN)["folders"][0]["state"] == "missing"
