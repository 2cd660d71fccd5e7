"""`add`: files that a person asks to take now, from anywhere (interface 3)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ingestd.config import Fields
from ingestd.journal import add_wish
from ingestd.model import Reason, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def parsed(world: World) -> Path:
    path = world.put("a.mp4")
    world.advance(200)
    assert world.state(path) is State.PARSED
    return path


def test_add_skips_the_quiet_time(world: World):
    world.restart(folders=(world.folder(world.drop, settle=3600.0),))
    path = world.put("a.mp4")
    world.advance(60)
    assert world.row(path) is None
    assert world.wish("add", paths=[str(path)])["taken"] == 1
    world.advance(120)
    assert world.state(path) is State.PARSED


def test_add_takes_a_file_from_elsewhere_with_the_fields_of_a_folder(world: World):
    fields = Fields(unique_id="lent", tags=("{folder}",))
    world.restart(folders=(world.folder(world.drop, name="cams", fields=fields),))
    path = world.place / "elsewhere.mp4"
    path.write_bytes(world.content("x"))
    world.wish("add", paths=[str(path)], folder="cams")
    world.advance(200)
    row = world.row(path)
    assert (row.state, row.folder, row.scope) == (State.PARSED, "cams", "unique_id=lent")
    assert row.fields["tags"] == ["cams"]


def test_add_takes_a_file_from_elsewhere_with_defaults(world: World):
    path = world.place / "elsewhere.mp4"
    path.write_bytes(world.content("x"))
    world.wish("add", paths=[str(path)])
    world.advance(200)
    assert (world.state(path), world.row(path).folder) == (State.PARSED, None)


def test_add_of_a_directory_takes_all_in_it(world: World):
    card = world.place / "card"
    for name in ("a.mp4", "DCIM/b.mp4", "notes.txt"):
        (card / name).parent.mkdir(parents=True, exist_ok=True)
        (card / name).write_bytes(world.content(name))
    assert world.wish("add", paths=[str(card)])["taken"] == 2
    world.advance(300)
    assert {row.state for row in world.rows()} == {State.PARSED}


def test_add_pays_nothing_that_was_paid(world: World):
    path = parsed(world)
    copy = world.place / "copy.mp4"
    copy.write_bytes(path.read_bytes())
    world.wish("add", paths=[str(path), str(copy)])
    world.advance(300)
    assert (world.state(path), world.state(copy)) == (State.PARSED, State.DUPLICATE)
    assert len(world.bodies()) == 1


def test_add_pay_again_pays_exactly_once_more(world: World):
    world.paid_again = True
    path = parsed(world)
    asked = len(world.far.reads)
    world.wish("add", paths=[str(path)], pay_again=True)
    world.advance(300)
    world.restart()
    world.advance(300)
    assert len(world.far.library) == 2
    assert [row.state for row in world.rows(path)] == [State.PARSED, State.PARSED]
    assert not any("name=a~" in call for call in world.far.reads[asked:])


def test_add_says_what_is_not_there(world: World):
    (world.place / "empty").mkdir()
    paths = [str(world.place / name) for name in ("none.mp4", "empty")]
    answer = world.wish("add", paths=paths)
    assert answer["taken"] == 0
    assert [one["path"] for one in answer["refused"]] == paths
    assert all(one["why"] for one in answer["refused"])


def test_add_says_of_a_file_that_is_there_why_it_is_not_taken(world: World):
    (world.place / "note.txt").write_text("x")
    answer = world.wish("add", paths=[str(world.place / "note.txt")])
    (refused,) = answer["refused"]
    assert "By its name it is nothing to upload (.txt)." in refused["why"]


def test_add_takes_odd_names(world: World):
    path = world.place / os.fsdecode(b"odd \xff\n.mp4")
    path.write_bytes(world.content("x"))
    world.wish("add", paths=[str(path)])
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_add_judges_an_unfinished_file_from_elsewhere_at_once(world: World):
    path = world.place / "half.mp4"
    path.write_bytes(world.content("x")[:1000])
    world.wish("add", paths=[str(path)])
    world.advance(60)
    assert world.row(path).reason is Reason.INCOMPLETE


def test_a_wish_to_add_survives_a_restart(world: World):
    path = world.place / "elsewhere.mp4"
    path.write_bytes(world.content("x"))
    world.lanes.held.add("add")
    wish = add_wish(world.state_dir, "add", {"paths": [str(path)]}, world.now().wall)
    world.ask("wake")
    world.run_until_idle()
    assert world.journal.wish(wish).done_at is None
    world.restart()
    world.advance(200)
    assert world.journal.wish(wish).done_at is not None
    assert world.state(path) is State.PARSED


def test_lent_fields_are_lent_once(world: World):
    other = world.place / "other"
    lender = world.folder(other, name="lender", fields=Fields(unique_id="lent"))
    world.restart(folders=(world.folder(world.drop), lender))
    path = parsed(world)
    world.wish("add", paths=[str(path)], folder="lender")
    world.advance(60)
    world.put("a.mp4", salt="a later clip")
    world.advance(300)
    assert world.row(path).scope == "unique_id=default"
