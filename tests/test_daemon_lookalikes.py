"""What only looks the same is not lost, and never under way together (rules R2, R4)."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, Fate
from ingestd.daemon.asking import jobs
from ingestd.daemon.messages import Hashed
from ingestd.journal import reading
from ingestd.journal.rows import read_item
from ingestd.model import State
from lookalikes import lookalike, put_lookalikes
from world import World, worlds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def test_what_shares_only_its_sample_is_uploaded_too(world: World):
    paths = put_lookalikes(world, b"one", b"two", b"one")
    world.advance(300)
    assert sorted(world.state(path) for path in paths) == [
        State.DUPLICATE,
        State.PARSED,
        State.PARSED,
    ]
    assert len({row.fingerprint for row in world.rows()}) == 1
    assert len(world.far.library) == 2


def test_a_later_lookalike_is_uploaded_too(world: World):
    put_lookalikes(world, b"one")
    world.advance(300)
    (world.drop / "later.mp4").write_bytes(lookalike(b"two"))
    world.advance(300)
    assert world.state(world.drop / "later.mp4") is State.PARSED
    assert len(world.far.library) == 2


def test_two_with_one_sample_are_never_sent_together(world: World):
    world.restart(**world.section("upload", concurrency=5))
    together = []

    def look(_upload: object) -> None:
        together.append(sum(row.state is State.UPLOADING for row in world.rows()))
        world.advance(30)

    world.far.plan(*[Fate(during=look)] * 3)
    put_lookalikes(world, b"one", b"two", b"three")
    world.advance(600)
    assert together == [1, 1, 1]
    assert len(world.far.library) == 3


def lost_lookalike(world: World) -> Path:
    """Its upload's answer was lost; another file has its size and sample."""
    (first,) = put_lookalikes(world, b"one")
    world.far.plan(LOST)
    world.until(lambda: world.state(first) is State.CONFIRMING)
    return first


def waits_its_turn(world: World, first: Path, second: Path) -> None:
    """They share their token: the one's lost answer could be taken for the other's video."""
    world.until(lambda: world.state(second) is State.QUEUED)
    world.advance(1200)
    assert (world.state(first), world.state(second)) == (State.CONFIRMING, State.QUEUED)
    assert len(world.far.attempts) == 1
    world.until(lambda: world.state(first) is State.PARSED, limit=20_000)
    world.until(lambda: world.state(second) is State.PARSED, limit=20_000)


def test_a_lookalike_that_cannot_be_read_for_now_waits_for_a_lost_upload(world: World, monkeypatch):
    first = lost_lookalike(world)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "hash_file", lambda item_id, *_: Hashed(item_id, None, None))
        second = world.drop / "other.mp4"
        second.write_bytes(lookalike(b"two"))
        waits_its_turn(world, first, second)


def test_before_a_folder_was_looked_at_after_a_start_nothing_of_it_is_unreadable(world: World):
    first = lost_lookalike(world)
    second = world.drop / "other.mp4"
    world.lanes.held.add("hash")
    second.write_bytes(lookalike(b"two"))
    world.until(lambda: world.state(second) is State.QUEUED)
    world.restart()
    world.lanes.held.add("folder")
    world.advance(5)
    world.lanes.held.clear()
    waits_its_turn(world, first, second)


@pytest.mark.parametrize("how", ["pay again", "no comparing"])
def test_what_is_paid_for_on_purpose_waits_for_a_lost_upload_of_its_sample(world: World, how: str):
    world.paid_again = True
    if how == "no comparing":
        world.restart(**world.section("upload", dedupe=False))
    second = world.drop / "paid.mp4"
    if how == "pay again":
        second.write_bytes(lookalike(b"two"))
        world.until(lambda: world.state(second) is State.PARSED)
        world.far.attempts.clear()
    first = lost_lookalike(world)
    if how == "pay again":
        world.wish("retry", ids=[world.row(second).id], pay_again=True)
    else:
        second.write_bytes(lookalike(b"two"))
    waits_its_turn(world, first, second)


def test_among_thousands_of_lookalikes_only_those_are_read_that_decide(world: World, monkeypatch):
    """A camera's preallocated segments share size, head, middle and tail (rules R4)."""
    put_lookalikes(world, b"one")
    world.advance(200)
    (paid,) = world.rows()
    with world.journal.transaction():
        for number in range(3000):
            other = replace(
                paid,
                path=f"/old/segment{number}",
                folder="old",
                video_no=f"segment {number}",
                content_hash=f"{number:064x}",
            )
            world.journal.restore(other, "file.restored", 1.0)
    read: list[int] = []
    monkeypatch.setattr(reading, "read_item", lambda row: read.append(row[0]) or read_item(row))
    second = world.drop / "segment1.mp4"
    second.write_bytes(lookalike(b"two"))
    world.advance(300)
    assert world.state(second) is State.PARSED
    assert len(read) < 1000


def test_a_paid_file_that_is_rewritten_in_place_and_looks_the_same_is_sent_too(world: World):
    """Only its whole content tells it from one that was merely touched."""
    (path,) = put_lookalikes(world, b"one")
    world.advance(300)
    path.write_bytes(lookalike(b"two"))
    world.advance(300)
    assert [row.state for row in world.rows(path)] == [State.PARSED, State.PARSED]
    os.utime(path, (1, 1))
    world.advance(300)
    assert len(world.rows(path)) == len(world.bodies()) == 2
