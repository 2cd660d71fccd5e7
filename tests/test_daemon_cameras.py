"""Camera proxies on their way: a row that says so, `add`, `junk: false`, a card still arriving."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingestd.model import Reason, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World

SUB = "card/PRIVATE/M4ROOT/SUB/C0001S03.MP4"


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def test_a_proxy_gets_a_row_and_is_not_paid_for(world: World):
    proxy, clip = world.put(SUB), world.put("card/PRIVATE/M4ROOT/CLIP/C0001.MP4")
    world.advance(200)
    row = world.row(proxy)
    assert (row.state, row.reason) == (State.REJECTED, Reason.PROXY)
    assert "nothing was uploaded or billed" in row.detail.lower()
    assert world.state(clip) is State.PARSED
    assert len(world.far.library) == 1


def test_add_takes_a_proxy(world: World):
    proxy = world.put(SUB)
    world.advance(60)
    world.wish("add", paths=[str(proxy)])
    world.advance(200)
    assert world.state(proxy) is State.PARSED
    world.restart()
    world.advance(200)
    assert world.way(proxy) == ["rejected", "queued", "uploading", "indexing", "parsed"]


def test_junk_false_takes_proxies(world: World):
    world.restart(folders=(replace(world.settings.folders[0], junk=False),))
    proxy = world.put(SUB)
    world.advance(200)
    assert world.state(proxy) is State.PARSED


def test_a_film_with_a_proxys_name_is_a_film(world: World):
    film = world.put("Series.S03.mp4")
    world.advance(200)
    assert world.state(film) is State.PARSED


def test_a_proxy_whose_clip_is_still_being_copied_waits_for_it(world: World):
    proxy = world.put("LRV_20220101_094420_01_013.mp4")
    other = world.drop / "a.mp4"
    for _ in range(40):  # the card's copy goes on beside it
        other.write_bytes(other.read_bytes() + b"x" if other.exists() else b"x")
        world.advance(5)
    assert world.row(proxy) is None
    world.put("VID_20220101_094420_00_013.mp4")
    world.advance(200)
    assert world.row(proxy).reason is Reason.PROXY


def test_a_clip_whose_name_is_a_proxys_does_not_wait_for_ever(world: World):
    world.restart(folders=(replace(world.settings.folders[0], incomplete_after=120.0),))
    film = world.put("ShowS03.mp4")
    other = world.drop / "a.mp4"
    for _ in range(120):
        other.write_bytes(other.read_bytes() + b"x" if other.exists() else b"x")
        world.advance(5)
    assert world.state(film) is State.PARSED
