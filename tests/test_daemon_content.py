"""The same content is paid once; what only looks the same is not lost (rules R4)."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from fake_farside import LOST, LOST_BUT_STORED, Fate, answer, refused
from ingestd import clips
from ingestd.config import ConfirmThen
from ingestd.daemon.asking import jobs
from ingestd.daemon.intake import content, looking
from ingestd.daemon.messages import Hashed
from ingestd.model import Reason, State
from lookalikes import lookalike, put_lookalikes
from world import World, worlds

if TYPE_CHECKING:
    from ingestd.remote.contract import Upload


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def copies(world: World, *names: str) -> list[Path]:
    return [world.put(name, salt="the same") for name in names]


def adopted_unread(world: World) -> Path:
    """A clip that a lost journal found again by its name; nobody has read it since."""
    (path,) = copies(world, "a.mp4")
    world.advance(200)
    world._stop()
    shutil.rmtree(world.state_dir)
    world._start()
    world.lanes.held.add("hash drop")
    world.advance(200)
    assert world.row(path).video_no is not None
    assert world.row(path).content_hash is None
    return path


def test_copies_found_at_the_same_time_are_paid_once(world: World):
    paths = copies(world, "a.mp4", "b.mp4", "c/d.mp4")
    world.advance(300)
    states = sorted(world.state(path) for path in paths)
    assert states == [State.DUPLICATE, State.DUPLICATE, State.PARSED]
    assert len(world.bodies()) == 1
    (original,) = [row for row in world.rows() if row.state is State.PARSED]
    for row in world.rows():
        if row is not original and row.state is State.DUPLICATE:
            assert row.duplicate_of == original.id
            assert row.content_hash == original.content_hash
            assert str(original.id) in row.detail


def test_a_copy_that_comes_later_is_not_paid(world: World):
    (first,) = copies(world, "a.mp4")
    world.advance(300)
    (second,) = copies(world, "b.mp4")
    world.advance(300)
    assert (world.state(first), world.state(second)) == (State.PARSED, State.DUPLICATE)


def test_a_copy_that_comes_while_the_first_is_sent_waits_for_it(world: World):
    (first,) = copies(world, "a.mp4")

    def copy(_upload: object) -> None:
        copies(world, "b.mp4")
        world.advance(60)
        assert world.state(world.drop / "b.mp4") is State.QUEUED

    world.far.plan(Fate(during=copy))
    world.advance(300)
    assert (world.state(first), world.state(world.drop / "b.mp4")) == (
        State.PARSED,
        State.DUPLICATE,
    )
    assert len(world.bodies()) == 1


def test_a_copy_that_comes_while_the_answer_is_looked_for_is_not_sent(world: World):
    (first,) = copies(world, "a.mp4")
    world.far.plan(Fate(LOST_BUT_STORED.reply, stored=True, visible_after=300.0))
    world.until(lambda: world.state(first) is State.CONFIRMING)
    (second,) = copies(world, "b.mp4")
    world.advance(200)
    assert (world.state(first), world.state(second)) == (State.CONFIRMING, State.DUPLICATE)
    world.advance(600)
    assert (world.state(first), world.state(second)) == (State.PARSED, State.DUPLICATE)


def test_a_lost_upload_is_known_by_its_content_although_its_file_went_away(world: World):
    """All of it was read before the mark, so its hash is on disk with the mark."""
    (first,) = copies(world, "a.mp4")
    world.far.plan(replace(LOST_BUT_STORED, during=lambda _: first.unlink()))
    world.advance(200)
    assert world.state(first) is State.PARSED
    (second,) = copies(world, "b.mp4")
    world.advance(300)
    assert world.state(second) is State.DUPLICATE
    assert len(world.bodies()) == 1


def test_where_neither_hash_is_to_be_had_the_file_is_uploaded(world: World):
    """Adopted by a young journal, and its file deleted before it was read."""
    world.paid_again = True
    first = adopted_unread(world)
    first.unlink()
    world.lanes.held.clear()
    world.advance(10)
    assert world.row(first).content_hash is None
    (second,) = copies(world, "b.mp4")
    world.advance(300)
    assert world.state(second) is State.PARSED
    assert len(world.bodies()) == 2


def test_an_original_on_a_share_that_is_away_is_waited_for(world: World):
    """Its content is not known and its file cannot be read now: it is read when it is back."""
    other = world.folder(world.place / "other")
    world.restart(folders=(*world.settings.folders, other))
    first = adopted_unread(world)
    world.drop.rename(world.place / "away")
    world.lanes.held.clear()
    world.advance(100)
    second = other.path / "b.mp4"
    second.write_bytes(world.content("the same"))
    world.advance(3600)
    assert world.state(second) is State.QUEUED
    assert "is away" in world.row(second).detail
    (world.place / "away").rename(world.drop)
    world.advance(300)
    assert world.row(second).duplicate_of == world.row(first).id
    assert len(world.bodies()) == 1


def test_a_suspect_that_is_renamed_before_it_is_read_is_read_at_its_new_path(world: World):
    copies(world, "a.mp4")
    world.advance(200)
    (old,) = copies(world, "b.mp4")
    world.lanes.held.add("hash drop")
    world.until(lambda: world.row(old) is not None)
    new = old.rename(world.drop / "c.mp4")
    world.put("b.mp4", salt="another one")
    world.until(lambda: world.row(new) is not None)
    world.lanes.held.clear()
    world.advance(200)
    assert world.state(new) is State.DUPLICATE
    assert len(world.bodies()) == 2


def test_those_that_wait_for_a_share_hold_up_no_other_suspect(world: World, monkeypatch):
    monkeypatch.setattr(content, "MOST", 2)
    other = world.folder(world.place / "other")
    world.restart(folders=(*world.settings.folders, other))
    adopted_unread(world)
    world.drop.rename(world.place / "away")
    world.lanes.held.clear()
    world.advance(100)
    for number in range(3):
        (other.path / f"waits{number}.mp4").write_bytes(world.content("the same"))
    world.advance(300)
    for name in ("new.mp4", "copy.mp4"):
        (other.path / name).write_bytes(world.content("another one"))
        world.advance(300)
    assert {world.state(other.path / f"waits{number}.mp4") for number in range(3)} == {State.QUEUED}
    assert world.state(other.path / "copy.mp4") is State.DUPLICATE
    assert len(world.bodies()) == 2


def test_a_content_that_is_paid_already_gets_no_mark(world: World):
    """The last look: what else let it through, its hash is compared before its last byte."""
    (first,) = copies(world, "a.mp4")
    world.advance(200)
    (second,) = copies(world, "b.mp4")
    world.until(lambda: world.row(second) is not None)
    suspect = world.row(second)
    world.journal.revise(suspect, replace(suspect, suspect_of=None), world.now().wall)
    world.daemon.contents._look_again = False
    world.until(lambda: world.sends(second))
    world.advance(60)
    assert world.outcomes(second) == ["not_sent"]
    assert world.row(second).duplicate_of == world.row(first).id
    assert len(world.bodies()) == 1


def test_what_was_found_is_read_while_its_file_is_there_so_that_copies_are_known(world: World):
    (first,) = copies(world, "a.mp4")
    world.far.plan(LOST_BUT_STORED)
    world.advance(200)
    assert world.row(first).content_hash == blake3(first.read_bytes()).hexdigest()
    copies(world, "b.mp4")
    first.unlink()
    world.advance(300)
    assert world.state(world.drop / "b.mp4") is State.DUPLICATE
    assert len(world.bodies()) == 1


def test_the_hash_of_an_original_is_read_from_its_file_when_a_copy_comes(world: World):
    first = adopted_unread(world)
    world.restart()
    (second,) = copies(world, "b.mp4")
    world.advance(300)
    assert world.state(second) is State.DUPLICATE
    assert world.row(first).content_hash == world.row(second).content_hash


@pytest.mark.parametrize("seen", [0, 60], ids=["not seen yet", "seen already"])
@pytest.mark.parametrize("times", [None, (1, 1)], ids=["chmod", "touch"])
def test_a_copy_that_is_touched_before_it_is_read_is_still_recognised(
    world: World, seen: float, times: tuple[int, int] | None
):
    world.restart(**world.section("upload", per_minute=0.5))
    copies(world, "a.mp4")
    world.advance(200)
    world.put("other.mp4")
    world.advance(30)
    world.lanes.held.add("hash drop")
    (second,) = copies(world, "b.mp4")
    world.advance(30)
    second.chmod(0o600) if times is None else os.utime(second, times)
    world.advance(seen)
    world.lanes.held.clear()
    world.advance(300)
    assert world.state(second) is State.DUPLICATE
    assert len(world.bodies()) == 2


# --- heirs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [Fate(answer(http=413)), Fate(answer(http=415))])
def test_where_the_original_is_refused_for_good_the_next_one_goes(world: World, fate: Fate):
    paths = copies(world, "a.mp4", "b.mp4", "c.mp4")
    world.far.plan(fate)
    world.advance(600)
    assert sorted(world.state(path) for path in paths) == [
        State.DUPLICATE,
        State.FAILED,
        State.PARSED,
    ]


def test_an_original_that_vanishes_unsent_hands_its_place_on(world: World):
    world.wish("pause")
    first, second = copies(world, "a.mp4", "b.mp4")
    world.advance(60)
    originals = [row for row in world.rows() if row.suspect_of is None]
    assert [row.state for row in originals] == [State.QUEUED]
    (world.drop / originals[0].path).unlink()
    world.wish("resume")
    world.advance(300)
    assert {world.state(first), world.state(second)} == {State.GONE, State.PARSED}


def test_a_duplicate_whose_original_ends_without_a_video_is_sent(world: World):
    """It was proven a duplicate while the other one still waited."""
    put_lookalikes(world, b"one")
    world.advance(200)
    world.wish("pause")
    paths = [world.drop / name for name in ("b.mp4", "c.mp4")]
    for path in paths:
        path.write_bytes(lookalike(b"two"))
    world.advance(60)
    assert sorted(world.state(path) for path in paths) == [State.DUPLICATE, State.QUEUED]
    world.far.plan(Fate(answer(http=415)))
    world.wish("resume")
    world.advance(600)
    assert sorted(world.state(path) for path in paths) == [State.FAILED, State.PARSED]
    assert len(world.far.library) == 2


def test_a_paid_original_that_cannot_be_indexed_hands_nothing_on(world: World):
    paths = copies(world, "a.mp4", "b.mp4")
    world.far.plan(Fate(indexed_as="FAIL"))
    world.advance(600)
    assert sorted(world.state(path) for path in paths) == [State.DUPLICATE, State.FAILED]
    assert len(world.bodies()) == 1


def test_a_deleted_original_that_was_paid_keeps_its_duplicates(world: World):
    first, second = copies(world, "a.mp4", "b.mp4")
    world.advance(300)
    for path in (first, second):
        if world.state(path) is State.PARSED:
            path.unlink()
    world.restart()
    world.advance(300)
    assert len(world.bodies()) == 1


def test_a_gate_refusal_is_no_end_and_hands_nothing_on(world: World):
    copies(world, "a.mp4", "b.mp4")
    world.far.plan(*[refused("429")] * 4)
    world.advance(900)
    assert sorted(row.state for row in world.rows()) == [State.DUPLICATE, State.PARSED]
    assert len(world.far.library) == 1


# --- limits of it -------------------------------------------------------------------------------


def test_without_dedupe_every_copy_is_uploaded(world: World):
    world.paid_again = True
    world.restart(**world.section("upload", dedupe=False, name_token=False))
    paths = copies(world, "a.mp4", "b.mp4")
    world.advance(300)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert len(world.far.library) == 2


def test_a_rejected_file_is_no_original(world: World):
    name, content = clips.bad(b"x")
    (world.drop / name).write_bytes(content)
    (world.drop / f"copy {name}").write_bytes(content)
    world.advance(100)
    assert {row.reason for row in world.rows()} == {Reason.CODEC}


def test_many_copies_across_restarts_are_paid_once(world: World):
    for number in range(5):
        copies(world, f"{number}.mp4")
        world.advance(13)
        world.restart()
    world.advance(400)
    assert sorted({row.state for row in world.rows()}) == [State.DUPLICATE, State.PARSED]
    assert len(world.bodies()) == 1


def test_a_suspect_whose_place_a_copy_took_is_still_decided(tmp_path: Path):
    with World(tmp_path, poll=900) as world:
        paths = copies(world, "a.mp4", "b.mp4")

        def swap(upload: Upload) -> None:
            """While the first goes out, a copy of it takes the suspect's place."""
            first = Path(upload.path)
            (second,) = {*paths} - {first}
            shutil.copy(first, world.place / "copy").rename(second)
            first.unlink()

        world.far.plan(Fate(during=swap))
        world.advance(3600)
        (left,) = world.drop.iterdir()
        assert world.state(left) is State.DUPLICATE
        assert len(world.bodies()) == 1


def test_what_may_be_paid_already_gets_no_second_mark(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A suspicion that could not be read away meets the mark, where the content is known."""
    world.reload(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    first = world.put("a.mp4", salt="the same")
    world.far.plan(LOST)
    world.advance(3 * 3600)
    assert world.row(first).reason is Reason.UNCONFIRMED
    monkeypatch.setattr(jobs, "hash_file", lambda row, *_: Hashed(row, None, None))  # not readable
    second = world.put("b.mp4", salt="the same")
    world.advance(3600)
    assert world.state(second) is State.DUPLICATE
    assert world.bodies() == [str(first)]


def test_the_copies_of_a_file_that_was_rewritten_in_place_are_not_forgotten(world: World):
    """Its size and sample stay, so only its mtime tells that its copies are copies no more."""
    first, second = put_lookalikes(world, b"one", b"two")
    second.unlink()
    shutil.copyfile(first, second)
    world.far.plan(refused("401"))  # the first is read in full
    world.advance(60)
    assert [world.state(path) for path in (first, second)].count(State.DUPLICATE) == 1
    (original,) = [path for path in (first, second) if world.state(path) is State.QUEUED]
    world.wish("pause")
    world.advance(60)
    original.write_bytes(lookalike(b"three"))
    world.advance(60)
    world.wish("resume")
    world.advance(600)
    assert [world.state(path) for path in (first, second)] == [State.PARSED, State.PARSED]


def test_a_touched_file_that_cannot_be_read_to_its_end_is_read_later(world: World, monkeypatch):
    (path,) = copies(world, "a.mp4")
    world.advance(300)
    os.utime(path, (1, 1))
    world.lanes.held.add("verify drop")
    world.advance(300)
    assert len(world.rows()) == 1
    with monkeypatch.context() as broken:
        broken.setattr(looking, "hash_file", lambda number, *_: Hashed(number, None, None))
        world.lanes.held.clear()
        world.advance(60)
    assert len(world.rows()) == 1
    world.advance(2000)
    assert [row.stat.mtime_ns for row in world.rows()] == [1_000_000_000]
    assert len(world.bodies()) == 1
