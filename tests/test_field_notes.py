"""What breaks others in real life and had no test yet; `docs/watching.md` lists the rest."""

from __future__ import annotations

import itertools
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestd.config import WatchMode
from ingestd.daemon.intake import sights
from ingestd.model import State
from ingestd.watch.entries import VANISHED
from ingestd.watch.hints import HintState, HintStatus
from ingestd.watch.limits import why_unwatched
from watch_kit import heard, hints, root, scanner, sentinel, watched
from world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["heard", "hints", "root", "watched"]  # fixtures of the kit

ROOT = Path(__file__).parent.parent


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        yield made


# --- watchdog ------------------------------------------------------------------------------------


def test_events_of_a_directory_that_was_moved_out_lead_to_nothing(watched, heard, tmp_path):
    card, outside = watched / "card", tmp_path / "outside"
    card.mkdir()
    heard.until(card)
    card.rename(outside)
    heard.until(card)
    (outside / "private.mp4").touch()
    told = heard.until(sentinel(watched))  # a sentinel in the folder: all earlier ones were heard
    assert not any(path.startswith(str(outside)) for path in told)
    looked = scanner(watched).look(path for path in told if "card" in path)
    assert all(entry.error == VANISHED for entry in looked)


def test_a_file_in_a_directory_that_was_moved_out_is_not_taken(world: World):
    """Watchdog tells of it under its old path."""
    world.advance(5)
    (world.place / "card").mkdir()
    (world.place / "card" / "a.mp4").write_bytes(world.content("a"))
    world.hint(world.drop / "card" / "a.mp4")
    world.advance(5)
    assert world.snapshot()["folders"][0]["settling"] == 0
    world.advance(300)
    assert world.rows() == []


def test_watches_that_run_out_make_the_folder_poll_and_the_remedy_is_shown(tmp_path: Path):
    with World(tmp_path) as world:
        folder = world.folder(world.drop, mode=WatchMode.EVENTS, poll_interval=30.0)
        why = why_unwatched(str(world.drop), OSError(28, "No space left on device"))
        limited = HintState(HintStatus.LIMIT, why)
        world.hints.watch = lambda _root, **_more: limited
        world.hints.state = lambda _root: limited
        world.hints.prove = world.hints.state
        world.reload(folders=(folder,))
        world.advance(5)
        (told,) = world.snapshot()["folders"]
        assert told["mode"] == "poll"
        assert "sudo sysctl fs.inotify.max_user_watches=" in told["detail"]
        path = world.put("later.mp4")  # no event tells of it
        world.advance(31 + 10 + 31)
        assert world.row(path) is not None


def test_a_clock_that_is_set_back_delays_no_event(watched, heard, monkeypatch):
    """An older watchdog waited until the clock had come as far again."""
    path, real, looks = watched / "a.mp4", time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() - 3600 * next(looks))  # again and again
    path.touch()
    heard.until(path, sentinel(watched))


def test_a_clock_that_is_set_back_delays_no_file(world: World):
    world.advance(30)
    path = world.put("a.mp4")
    world.advance(2)
    world.wall_error -= 3600
    world.advance(40)
    assert world.state(path) in {State.UPLOADING, State.INDEXING, State.PARSED}


IMPORTS = "import sys, ingestd.daemon.service, ingestd.watch.hints;"


def test_watchdogs_own_polling_is_not_even_imported():
    code = f"{IMPORTS} print([name for name in sys.modules if 'observers.polling' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- discovery, shares, completeness --------------------------------------------------------------


def test_a_copy_that_keeps_the_time_of_its_card_is_found(world: World):
    new = world.put("new.mp4")
    world.advance(300)
    old = world.put("card/old.mp4")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    os.utime(old.parent, (1_000_000_000, 1_000_000_000))
    world.advance(300)
    assert [world.state(path) for path in (new, old)] == [State.PARSED, State.PARSED]


def flip(world: World, path: Path, times: int) -> None:
    """Each look sees the other one of two times."""
    first = path.stat().st_mtime_ns
    for number in range(1, times + 1):
        os.utime(path, ns=(first, first + number % 2 * 2_000_000_000))
        world.advance(40)


def test_a_share_whose_times_are_unstable_pays_once_and_sends_all_the_same(world: World):
    world.fill()  # else the far side is asked for each name first, and finds it
    path = world.put("a.mp4")
    flip(world, path, 12)
    world.advance(900)
    assert world.bodies() == [str(path)]  # and the world itself fails where one was paid for twice
    assert State.PARSED in {row.state for row in world.rows(path)}


@pytest.mark.parametrize("network", [False, True])
def test_a_file_whose_times_are_unstable_keeps_one_row(world: World, monkeypatch, network: bool):
    monkeypatch.setattr(sights, "is_network", lambda _: network)
    path = world.put("a.mp4")
    copy = world.put("b.mp4", salt="a.mp4")
    world.advance(300)
    flip(world, copy, 6)
    flip(world, path, 6)
    flip(world, copy, 1)
    assert [row.state for row in world.rows()] == [State.PARSED, State.DUPLICATE]
    known = world.row(copy)
    assert known.stat.mtime_ns == copy.stat().st_mtime_ns  # should its turn come, it can be sent


def test_a_file_whose_time_is_another_at_every_look_is_taken_all_the_same(
    world: World, monkeypatch
):
    monkeypatch.setattr(sights, "is_network", lambda _: True)
    path = world.put("a.mp4")
    first, looks = path.stat().st_mtime_ns, itertools.count()

    def look(lane: str) -> None:
        if lane.startswith("folder"):
            os.utime(path, ns=(first, first + next(looks) % 2 * 2_000_000_000))

    world.lanes.told = look
    world.advance(900)
    assert [row.state for row in world.rows()] == [State.PARSED]
    assert len(world.bodies()) == 1


def test_of_a_share_whose_times_are_unstable_no_file_is_read_again_and_again(
    world: World, monkeypatch
):
    monkeypatch.setattr(sights, "is_network", lambda _: True)
    path = world.put("a.mp4")
    world.advance(300)
    flip(world, path, 2)
    lanes: list[str] = []
    world.lanes.told = lanes.append
    changes = world.journal._db.rows("SELECT total_changes()")
    flip(world, path, 6)
    assert {lane.partition(" ")[0] for lane in lanes} <= {"folder"}
    assert world.journal._db.rows("SELECT total_changes()") == changes


def test_what_lies_there_at_the_start_gets_the_same_care(tmp_path: Path):
    """One is cut, one still grows although it is whole at each moment, one is as it stays."""
    drop = tmp_path / "drop"
    drop.mkdir()
    half, growing = drop / "half.mp4", drop / "growing.mp4"
    half.write_bytes(World.content("half")[:-700])
    growing.write_bytes(World.content("growing"))
    (drop / "whole.mp4").write_bytes(World.content("whole"))
    with World(tmp_path) as world:
        world.advance(5)
        with growing.open("ab") as file:
            file.write(struct.pack(">I4s", 8 + 1000, b"free") + bytes(1000))
        world.advance(300)
        assert world.row(half) is None  # settling: memory only
        assert {row.path: row.state for row in world.rows()} == {
            str(growing): State.PARSED,
            str(drop / "whole.mp4"): State.PARSED,
        }
        assert len(world.bodies()) == 2


# --- the table ------------------------------------------------------------------------------------


def test_every_test_that_the_table_names_exists():
    table = (ROOT / "docs/watching.md").read_text()
    named = set(re.findall(r"`(test_\w+)\.py::(test_\w+)`", table))
    assert len(named) > 40
    missing = [
        f"{module}::{test}"
        for module, test in sorted(named)
        if f"def {test}(" not in (ROOT / f"tests/{module}.py").read_text()
    ]
    assert missing == []
