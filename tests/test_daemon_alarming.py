"""`on_trouble`: a person is told when it begins, when it gets worse and when it is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fake_farside import Fate
from ingestd.config import Folder, WatchMode
from ingestd.model import GateName
from world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    tool = tmp_path / "notify"
    tool.write_text(f'#!/bin/sh\nexec cat >> "{tmp_path}/$1"\n')
    tool.chmod(0o755)
    with World(tmp_path, poll=60.0, on_trouble=(str(tool), "told")) as made:
        yield made


def told(world: World) -> list[dict[str, object]]:
    file = world.place / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def kinds(world: World) -> list[tuple[object, object]]:
    return [(one["kind"], one["over"]) for one in told(world)]


def pause(world: World) -> None:
    world.daemon.keeper.hold(GateName.PAUSED)


def test_a_gate_is_told_after_a_quarter_of_an_hour_and_when_it_is_over(world: World):
    pause(world)
    world.advance(840)
    assert told(world) == []
    world.advance(180)
    (document,) = told(world)
    assert document["kind"] == "gate.paused"
    assert document["over"] is False
    assert document["about"] == {"paused": 1}
    assert "ingestd resume" in str(document["text"])
    assert str(document["since"]).endswith("Z")
    assert document["state_dir"] == str(world.state_dir)
    world.advance(3 * HOUR)
    assert len(told(world)) == 1  # it goes on, and that is known
    world.daemon.keeper.resume()
    world.advance(120)
    assert kinds(world) == [("gate.paused", False), ("gate.paused", True)]
    assert [one["kind"] for one in world.events.named("trouble.begun", "trouble.over")] == [
        "gate.paused",
        "gate.paused",
    ]


def test_what_comes_and_goes_is_told_once_an_hour(world: World):
    moved = world.place / "away"
    for _ in range(12):
        world.drop.rename(moved)
        world.advance(600)
        moved.rename(world.drop)
        world.advance(600)
    times = [str(one["at"]) for one in told(world)]
    assert {kind for kind, _ in kinds(world)} == {"folder"}
    assert 3 <= len(times) <= 5  # four hours
    assert len(set(times)) == len(times)


def test_more_of_the_same_is_told_when_the_hour_is_over(world: World):
    other = world.folder(world.place / "other")
    world.reload(folders=(*world.settings.folders, other))
    world.advance(120)
    other.path.rmdir()
    world.advance(300)
    assert told(world)[0]["about"] == {"other": 1}
    world.drop.rename(world.place / "away")
    world.advance(600)
    assert len(told(world)) == 1
    world.advance(HOUR)
    assert [one["about"] for one in told(world)][1] == {"drop": 1, "other": 1}


def test_a_restart_does_not_tell_again(world: World):
    pause(world)
    world.advance(1200)
    for _ in range(3):
        world.restart()
        world.advance(600)
    assert len(told(world)) == 1
    world.advance(2 * HOUR)
    world.daemon.keeper.resume()
    world.restart()
    world.advance(120)
    assert kinds(world)[-1] == ("gate.paused", True)


def test_a_clock_that_is_set_back_delays_nothing(world: World):
    pause(world)
    world.advance(1200)
    world.daemon.keeper.resume()
    world.wall_error -= 300 * 86_400.0
    world.advance(300)
    assert kinds(world)[-1] == ("gate.paused", True)


def test_failed_files_are_told_by_their_reason(world: World):
    world.far.plan(Fate(indexed_as="FAIL"))
    world.put("a.mp4")
    world.advance(600)
    assert [(one["kind"], one["about"]) for one in told(world)] == [
        ("failed", {"indexing_failed": 1})
    ]


def test_a_command_that_fails_is_said_in_the_log(world: World):
    world.reload(on_trouble=("/nowhere/notify",))
    pause(world)
    world.advance(1200)
    (said,) = world.events.named("trouble.untold")
    assert said["detail"] == "/nowhere/notify cannot be run: No such file or directory"


def test_without_a_command_nobody_looks(tmp_path: Path):
    with World(tmp_path, poll=900.0) as world:
        pause(world)
        world.advance(HOUR)
        assert world.daemon.alarming.tick() is None
        assert world.events.named("trouble.begun") == []


def test_a_full_disk_is_told_although_it_cannot_be_written_down(world: World):
    pages = world.journal._db.value("PRAGMA page_count")
    world.journal._db.rows(f"PRAGMA max_page_count = {pages}")
    for number in range(60):  # more than the last page holds
        world.put(f"{number}.mp4", salt=f"{number}")
    world.advance(HOUR)
    assert kinds(world) == [("gate.disk_full", False)]
    world.journal._db.rows("PRAGMA max_page_count = 1000000")
    world.advance(2 * HOUR)
    assert kinds(world) == [("gate.disk_full", False), ("gate.disk_full", True)]


def test_a_message_fits_into_a_pipe_however_much_is_wrong(world: World):
    folders = tuple(
        Folder(path=world.place / f"{number:03}", mode=WatchMode.POLL, poll_interval=600.0)
        for number in range(200)
    )
    world.reload(folders=folders)
    world.advance(300)
    (document,) = told(world)
    assert len(json.dumps(document)) < 65_536
    assert len(document["about"]) == 50


def test_an_hour_in_which_something_happened_is_one_line(world: World):
    for name in ("a.mp4", "b.mp4"):
        world.put(name)
    world.put("c.mp4", salt="a.mp4")
    world.advance(HOUR + 200)
    (said,) = world.events.named("daemon.hour")
    assert said["detail"] == (
        "In the last hour: 3 put in line, 2 sent, 2 searchable, 1 known already. 0 in line."
    )
    assert (said["parsed"], said["in_line"]) == (2, 0)
    world.advance(3 * HOUR)
    assert len(world.events.named("daemon.hour")) == 1
