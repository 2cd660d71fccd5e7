"""Events are hints: a watcher that is dead, blind or behind is noticed, and no file is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ingestd.config import WatchMode
from ingestd.daemon.intake.arming import FIRST_S, HELD_S, MOST_S, Arming
from ingestd.daemon.messages import HintsLost
from ingestd.model import State
from world import START, worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    for world in worlds(tmp_path):
        # the files of a test are made now, and its clock must not lie behind that
        world.wall_error = os.stat(tmp_path).st_ctime - START  # noqa: PTH116
        world.restart(folders=(world.folder(world.drop, mode=WatchMode.EVENTS),))
        world.advance(5)
        yield world


def later(world: World, seconds: float) -> None:
    """Let the test's clock pass so far that what was made just now is old."""
    world.advance(seconds)


def watched(world: World):
    return world.daemon.seeing.watched["drop"]


def test_a_watcher_that_does_not_announce_the_cookie_is_set_up_again_with_a_scan(world: World):
    world.hints.blind = True
    path = world.put("a.mp4")
    later(world, 700)
    assert world.state(path) is State.PARSED
    assert world.hints.watches > 1
    assert world.hints.roots


def test_it_is_set_up_again_ever_more_seldom(world: World):
    folder = world.folder(world.drop, mode=WatchMode.EVENTS, poll_interval=60.0)
    world.restart(folders=(folder,))
    world.hints.blind = True
    world.advance(4 * 3600)
    assert 6 < world.hints.watches < 20
    world.hints.blind = False
    world.advance(7200)
    assert world.hints.watches < 22


def test_files_that_no_event_announced_make_a_watcher_doubted_and_set_up_anew(world: World):
    later(world, 700)
    path, before = world.put("a.mp4"), world.hints.watches
    later(world, 700)
    assert world.state(path) is State.PARSED
    (blind,) = world.events.named("watch.blind")
    assert "1 file" in blind["detail"]
    assert world.hints.watches == before + 1
    told = world.snapshot()["folders"][0]
    assert told["mode"] == "events"
    later(world, 1300)
    assert world.snapshot()["folders"][0]["detail"] is None
    assert len(world.events.named("watch.blind")) == 1


def test_what_was_announced_raises_no_doubt(world: World):
    later(world, 700)
    path = world.put("a.mp4")
    world.hint(path)
    later(world, 1400)
    assert world.state(path) is State.PARSED
    assert world.events.named("watch.blind") == []


def test_an_overflow_is_told_as_such_and_is_no_blindness(world: World):
    later(world, 700)
    path = world.put("a.mp4")
    later(world, 40)
    world.inbox.post(HintsLost(str(world.drop)))
    later(world, 60)
    assert world.state(path) is not None
    assert world.events.named("watch.blind") == []
    assert len(world.events.named("watch.overflow")) == 1


def test_a_watcher_that_died_is_told_with_its_reason(world: World):
    world.hints.roots.clear()
    world.inbox.post(HintsLost(str(world.drop), "It broke (KeyError)."))
    world.advance(5)
    assert world.events.named("watch.broken")[0]["detail"] == "It broke (KeyError)."


def test_a_directory_that_is_made_or_moved_in_is_scanned_without_a_pass(world: World):
    passes = watched(world).passes
    paths = [world.put(f"card/DCIM/{number}/{number}.mp4") for number in range(3)]
    world.hint(world.drop / "card")
    world.hint(world.drop / "card" / "DCIM")
    world.advance(300)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert watched(world).passes == passes


def test_the_delay_grows_and_is_forgiven_after_a_long_good_time():
    arming, mono = Arming(), 0.0
    delays = []
    for _ in range(15):
        mono = max(mono, arming.at)
        arming.was_set_up(mono, mono)
        delays.append(arming.delay)
    assert delays[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert delays[-1] == MOST_S
    arming.was_set_up(mono + MOST_S + HELD_S, mono)
    assert arming.delay == FIRST_S


@pytest.mark.parametrize(
    ("ctime", "news"), [(50.0, False), (150.0, True), (990.0, False), (2000.0, False)]
)
def test_only_what_happened_under_the_watcher_long_enough_ago_had_to_be_announced(ctime, news):
    assert Arming(armed_wall=100.0).is_news(ctime, begun_wall=1000.0) is news


def test_a_pass_over_a_long_queue_looks_at_few_of_its_files(world: World):
    world.wish("pause")
    for number in range(250):
        world.put(f"{number}.mp4")
    world.daemon.seeing.scan_now()
    world.advance(60)
    looked: list[str] = []
    see = watched(world).worker.look
    watched(world).worker.look = lambda paths, *more, **kw: (
        looked.extend(paths) or see(paths, *more, **kw)
    )
    world.daemon.seeing.scan_now()
    world.advance(5)
    assert 0 < len(looked) <= 200
