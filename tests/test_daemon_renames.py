"""A file that is renamed or moved stays the same row, whatever its state (rules R3, R4, R6)."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, LOST_BUT_STORED, Fate, refused
from ingestd.config import Fields
from ingestd.model import Reason, State
from world import World, worlds

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def renamed(world: World, path: Path, name: str = "CARD/new name.mp4") -> Path:
    """Rename a file, and let the daemon notice."""
    new = world.drop / name
    new.parent.mkdir(parents=True, exist_ok=True)
    path.rename(new)
    world.advance(40)
    return new


def is_same_row(world: World, row_id: int, path: Path) -> bool:
    """One row, under the new path and no other."""
    row = world.row(path)
    return row is not None and row.id == row_id and len(world.rows()) == row_id


def paused(world: World, name: str = "a.mp4") -> Path:
    world.wish("pause")
    path = world.put(name)
    world.advance(30)
    assert world.state(path) is State.QUEUED
    return path


def test_a_queued_file_goes_out_under_its_new_name(world: World):
    new = renamed(world, paused(world))
    assert is_same_row(world, 1, new)
    assert world.state(new) is State.QUEUED
    (line,) = [one for one in world.journal.history(1) if one.event == "file.renamed"]
    assert "a.mp4" in line.detail
    world.wish("resume")
    world.advance(200)
    assert world.state(new) is State.PARSED
    assert world.row(new).upload_name.startswith("new name~")
    assert len(world.bodies()) == 1


def test_what_is_still_to_be_sent_takes_the_fields_of_its_new_place(world: World):
    world.restart(folders=(replace(world.settings.folders[0], fields=Fields(tags=("{top}",))),))
    new = renamed(world, paused(world, "ONE/a.mp4"), "TWO/a.mp4")
    assert world.row(new).fields["tags"] == ["TWO"]


@pytest.mark.parametrize("fate", [Fate(), LOST_BUT_STORED], ids=["accepted", "lost"])
def test_a_file_that_is_renamed_while_it_is_sent_keeps_its_row(world: World, fate: Fate):
    new = world.drop / "b.mp4"
    path = world.put("a.mp4")
    world.far.plan(replace(fate, during=lambda _: (path.rename(new), world.advance(40))))
    world.advance(300)
    assert is_same_row(world, 1, new)
    assert world.state(new) is State.PARSED
    assert len(world.bodies()) == 1


def test_a_file_that_is_renamed_while_it_is_looked_for_is_sent_again_from_its_new_path(
    world: World,
):
    world.put("before.mp4")
    world.advance(100)
    path = world.put("a.mp4")
    world.far.plan(LOST)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    new = renamed(world, path)
    assert is_same_row(world, 2, new)
    assert world.state(new) is State.CONFIRMING
    world.calm()
    world.advance(3 * HOUR)
    assert world.state(new) is State.PARSED
    assert world.outcomes(new) == ["not_found", "accepted"]


@pytest.mark.parametrize("wait", [25, 200], ids=["indexing", "parsed"])
def test_a_file_that_was_sent_keeps_its_row_and_is_not_read(world: World, wait: float):
    world.far.index_s = 100
    path = world.put("a.mp4")
    world.advance(wait)
    before = world.state(path)
    assert before in {State.INDEXING, State.PARSED}
    new = renamed(world, path)
    assert is_same_row(world, 1, new)
    assert world.state(new) is before
    assert not world.daemon.contents.busy
    world.advance(300)
    assert world.state(new) is State.PARSED
    assert len(world.bodies()) == 1


def test_a_refused_file_keeps_its_row(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(refused("0").reply, early=True), *[refused("1", early=True)] * 20)
    world.restart(**world.section("upload", max_attempts=2))
    world.advance(300)
    assert world.row(path).reason is Reason.ATTEMPTS_EXHAUSTED
    new = renamed(world, path)
    assert is_same_row(world, 1, new)
    assert world.state(new) is State.FAILED


def test_a_duplicate_stays_a_duplicate(world: World):
    original = world.put("a.mp4", salt="x")
    world.advance(100)
    copy = world.put("b.mp4", salt="x")
    world.advance(100)
    assert world.state(copy) is State.DUPLICATE
    new = renamed(world, copy)
    assert is_same_row(world, 2, new)
    assert world.row(new).duplicate_of == world.row(original).id


def test_a_card_that_is_renamed_moves_all_its_rows(world: World):
    world.wish("pause")
    for number in range(20):
        world.put(f"CARD/DCIM/{number}.mp4")
    world.advance(40)
    (world.drop / "CARD").rename(world.drop / "A003")
    world.advance(100)
    assert len(world.rows()) == 20
    assert {row.path.split("/")[-3] for row in world.rows()} == {"A003"}
    assert {row.state for row in world.rows()} == {State.QUEUED}


def test_a_file_that_is_moved_to_another_folder_of_the_scope_is_the_same_row(world: World):
    other = world.folder(world.place / "other")
    world.restart(folders=(*world.settings.folders, other))
    path = world.put("a.mp4")
    world.advance(200)
    new = world.place / "other" / "a.mp4"
    path.rename(new)
    world.advance(100)
    assert is_same_row(world, 1, new)
    assert world.row(new).folder == "other"


def test_a_file_that_is_moved_over_another_one_takes_its_place(world: World):
    first = paused(world)
    second = world.put("b.mp4")
    world.advance(40)
    new = renamed(world, first, second.name)
    assert world.row(new).id == 1
    assert [(row.id, row.state, row.reason) for row in world.rows()] == [
        (1, State.QUEUED, None),
        (2, State.GONE, Reason.REPLACED),
    ]


def test_a_hard_link_is_a_copy_and_not_a_rename(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    os.link(path, world.drop / "link.mp4")
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert world.state(world.drop / "link.mp4") is State.DUPLICATE
    assert len(world.bodies()) == 1


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "to be sent"])
@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
def test_files_that_change_names_keep_their_rows(world: World, sent: bool, order: str):
    if not sent:
        world.wish("pause")
    paths = {name: world.put(f"{name}.mp4") for name in order}
    world.advance(400)
    before = {path: world.row(path).id for path in paths.values()}
    a, b, c = (paths[name] for name in "abc")
    a.rename(world.drop / "t")
    b.rename(a)
    c.rename(b)
    (world.drop / "t").rename(c)
    world.advance(400)
    assert {path: world.row(path).id for path in (a, b, c)} == {
        a: before[b],
        b: before[c],
        c: before[a],
    }
    assert len(world.rows()) == 3
    world.wish("resume")
    world.advance(400)
    assert {world.state(path) for path in (a, b, c)} == {State.PARSED}
    assert len(world.bodies()) == 3


def test_an_unsent_file_under_another_extension_is_judged_anew(world: World):
    path = world.put("a.mts")
    world.advance(40)
    assert world.row(path).reason is Reason.EXTENSION
    new = renamed(world, path, "a.mp4")
    world.advance(300)
    assert world.state(new) is State.PARSED
    assert world.state(path) is State.GONE


def test_a_rename_across_a_restart_is_recognised(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    new = world.drop / "b.mp4"
    path.rename(new)
    world.restart()
    world.advance(100)
    assert is_same_row(world, 1, new)


def test_another_file_that_took_the_old_path_meanwhile_is_sent_as_well(tmp_path: Path):
    with World(tmp_path, poll=HOUR) as world:
        old = world.put("a.mp4")
        world.advance(200)
        new = old.with_name("b.mp4")
        old.rename(new)
        old.write_bytes(world.content("another"))
        world.restart()  # its first pass sees both; the next one comes an hour later
        world.advance(200)
        assert world.row(new).id == 1
        assert world.state(old) is State.PARSED
        assert len(world.bodies()) == 2


def test_a_duplicate_that_is_moved_over_its_original_takes_its_place(world: World):
    original = world.put("a.mp4", salt="the same")
    world.far.plan(refused("401"))  # read in full, and not sent yet
    world.advance(30)
    copies = [world.put(name, salt="the same") for name in ("b.mp4", "c.mp4")]
    world.advance(30)
    assert [world.state(path) for path in copies] == [State.DUPLICATE, State.DUPLICATE]
    for copy in copies:
        copy.rename(original)
        world.advance(60)
    world.wish("resume")
    world.advance(200)
    assert world.state(original) is State.PARSED
    assert len(world.bodies()) == 2  # the refused one and its heir
