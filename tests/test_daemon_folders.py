"""Folders that leave the configuration, come back or change, and reloads (rules R6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST_BUT_STORED, Fate
from ingestd.model import Reason, State
from ingestd.watch.entries import Entry, Listing
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.config import Settings
    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def other(world: World) -> Path:
    return world.place / "other"


def change(world: World, how: str, *folders: object) -> None:
    getattr(world, how)(folders=folders)


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_files_of_a_removed_folder_are_kept_and_not_attempted(world: World, other: Path, how: str):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    change(world, how, world.folder(other))
    world.wish("resume")
    world.advance(1200)
    row = world.row(path)
    assert (row.state, row.attempts) == (State.QUEUED, 0)
    assert "not configured" in row.detail
    assert world.far.attempts == []
    change(world, how, world.folder(other), world.folder(world.drop))
    world.advance(300)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("how", ["reload", "restart"])
@pytest.mark.parametrize(
    "fate", [Fate(), replace(LOST_BUT_STORED, visible_after=200.0)], ids=["indexing", "confirming"]
)
def test_what_was_sent_from_a_removed_folder_is_followed_to_its_end(
    world: World, other: Path, how: str, fate: Fate
):
    path = world.put("a.mp4")
    world.far.plan(fate)
    world.until(lambda: world.state(path) in (State.INDEXING, State.CONFIRMING))
    change(world, how, world.folder(other))
    world.advance(600)
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_renamed_folder_pays_nothing_again_and_goes_on(world: World, how: str):
    sent = world.put("sent.mp4")
    world.advance(200)
    world.wish("pause")
    waiting = world.put("waiting.mp4")
    world.advance(30)
    change(world, how, world.folder(world.drop, name="renamed"))
    world.wish("resume")
    world.advance(300)
    assert world.state(sent) is State.PARSED
    assert (world.state(waiting), world.row(waiting).folder) == (State.PARSED, "renamed")
    assert len(world.bodies()) == 2


@pytest.mark.parametrize("how", ["renamed", "remounted"])
def test_a_row_that_changed_while_its_directory_was_listed_is_taken_as_it_is(
    world: World, how: str
):
    """What is known of a directory is read with its first piece; a large one has many."""
    world.wish("pause")
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    if how == "renamed":
        world.lanes.held.add("folder other name")
        renamed = replace(world.settings.folders[0], name="other name")
        world.reload(folders=(renamed,))
    (watched,) = world.daemon.seeing.watched.values()
    sights, directory = world.daemon.seeing.sights, str(path.parent)
    sights.listed(watched, Listing(directory, (), last=False))
    row = world.row(path)
    world.journal.revise(row, replace(row, detail="meanwhile"), world.now().wall)
    stat = row.stat if how == "renamed" else replace(row.stat, dev=row.stat.dev + 1)
    sights.listed(watched, Listing(directory, (Entry(str(path), stat),), last=True))
    after = world.row(path)
    assert (after.folder, after.stat, after.detail) == (watched.name, stat, "meanwhile")


def test_a_folder_that_is_new_in_a_reload_is_taken(world: World, other: Path):
    world.advance(30)
    world.reload(folders=(world.folder(world.drop), world.folder(other)))
    path = other / "a.mp4"
    path.write_bytes(world.content("x"))
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_of_nested_folders_the_deepest_has_the_file_once(world: World):
    inner = world.drop / "inner"
    world.restart(folders=(world.folder(world.drop), world.folder(inner)))
    path = inner / "a.mp4"
    path.write_bytes(world.content("x"))
    world.advance(200)
    assert world.row(path).folder == "inner"
    assert len(world.rows()) == len(world.bodies()) == 1


def test_a_queued_file_is_judged_by_the_rules_in_force_when_its_turn_comes(world: World):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    world.reload(**world.section("validate", max_size=100))
    world.wish("resume")
    world.advance(60)
    assert (world.state(path), world.row(path).reason) == (State.REJECTED, Reason.TOO_LARGE)
    assert world.far.attempts == []


def test_an_upload_under_way_outlives_a_reload(world: World, other: Path):
    path = world.put("a.mp4")

    def reload(_upload: object) -> None:
        world.reload(folders=(world.folder(other),), **world.section("validate", max_size=100))

    world.far.plan(Fate(during=reload))
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_a_reload_while_a_folder_is_scanned_confuses_nothing(world: World):
    paths = [world.put(f"{number}.mp4") for number in range(3)]
    world.lanes.held.add("folder drop")
    world.step()
    world.reload()
    world.step()
    world.lanes.held.clear()
    world.advance(300)
    assert {world.state(path) for path in paths} == {State.PARSED}


def test_an_unchanged_reload_makes_nothing_gone(world: World):
    world.wish("pause")
    path = world.put("a.mp4")
    world.advance(30)
    for _ in range(5):
        world.reload()
        world.advance(7)
    assert world.way(path) == ["queued"]


def test_excluded_files_are_left_alone(world: World):
    world.restart(folders=(world.folder(world.drop, exclude=("proxy/*",)),))
    taken, left = world.put("a.mp4"), world.put("proxy/b.mp4")
    world.advance(200)
    assert (world.state(taken), world.row(left)) == (State.PARSED, None)
    explained = world.ask("explain", path=str(left))
    world.run_until_idle()
    assert explained[0]["state"] == "ignored"


def test_the_snapshot_tells_what_commands_show(world: World):
    settings: Settings = world.settings
    path = world.put("a.mp4")
    world.put("half.mp4")
    (world.drop / "half.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    shown = []
    world.far.plan(Fate(during=lambda _: shown.append(world.daemon.snapshots.take())))
    world.advance(60)
    (upload,) = shown[0]["uploads"]
    assert (upload["path"], upload["size"]) == (str(path), path.stat().st_size)
    assert upload["phase"] == "sending"
    told = world.snapshot()
    (folder,) = told["folders"]
    assert (folder["name"], folder["state"], folder["settling"]) == ("drop", "ok", 1)
    assert told["settling"] == 1
    assert told["uploads"] == []
    assert told["api"]["base_url"] == settings.api.base_url
    assert told["api"]["last_ok_at"] is not None
