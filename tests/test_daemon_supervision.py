"""What the service manager hears of a whole daemon, under the clock of the test (interface 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingestd.daemon.telling.statusline import Going, Standing, status_line
from ingestd.daemon.telling.supervision import QUESTION_S, Lanes, Supervision
from ingestd.model import GateName, State
from world import World, worlds

if TYPE_CHECKING:
    from pathlib import Path

WATCHDOG = 60.0


class Manager:
    """A service manager that writes down what it hears, and when."""

    listens, watchdog = True, WATCHDOG

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def __getattr__(self, verb: str):
        return lambda *told: self.heard.append((verb, told[-1] if told else None))

    def said(self, verb: str) -> list[object]:
        return [told for one, told in self.heard if one == verb]


class Desk:
    """A daemon with its supervision."""

    def __init__(self, world: World) -> None:
        self.world, self.manager = world, Manager()
        self.dead, self.asking, self.last_read = "", None, 0.0
        lanes = Lanes(lambda: self.dead, lambda: self.asking, lambda: self.last_read)
        self.desk = Supervision(self.manager, world.daemon, lanes, world.now().mono)

    def tick(self) -> float | None:
        """Tell what is due; seconds until it wants to be asked again."""
        at = self.desk.tick(self.world.now())
        return None if at is None else at - self.world.now().mono

    def alive_within(self, seconds: float) -> int:
        """Let time pass as the loop does: how often the manager hears a sign of life."""
        before, end = len(self.manager.said("alive")), self.world.elapsed + seconds
        while self.world.elapsed < end:
            wait = self.tick()
            assert wait is not None
            assert wait > 0
            self.world.advance(min(wait, end - self.world.elapsed))
        return len(self.manager.said("alive")) - before


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def desk(world) -> Desk:
    return Desk(world)


def test_ready_is_said_once_every_folder_was_looked_at_and_not_before(world, desk):
    world.step()  # the first scan is asked for
    desk.tick()
    assert desk.manager.said("ready") == []
    world.run_until_idle()  # ... and has begun
    desk.tick()
    desk.tick()
    assert desk.manager.said("ready") == ["Idle"]


def test_a_dead_share_does_not_keep_the_service_from_being_ready(tmp_path):
    with World(tmp_path) as world:
        shares = (*world.settings.folders, world.folder(tmp_path / "dead"))
        world.reload(folders=shares)
        world.lanes.held.add("folder dead")
        desk = Desk(world)
        world.run_until_idle()
        assert desk.tick() == 1.0
        world.advance(1.0)
        desk.tick()
        assert len(desk.manager.said("ready")) == 1
        world.lanes.held.clear()


def test_an_idle_daemon_is_woken_for_the_watchdog_twice_in_its_time_and_for_nothing_else(desk):
    desk.world.run_until_idle()
    desk.tick()
    assert desk.alive_within(600.0) == pytest.approx(600.0 / (WATCHDOG / 2), abs=1)
    assert desk.manager.said("status") == []


def test_the_status_follows_what_happens_but_not_more_than_every_few_seconds(world, desk):
    world.run_until_idle()
    desk.tick()
    world.put("a.mp4")
    world.advance(25.0)
    desk.tick()
    world.step()
    wait = desk.tick()
    assert wait is not None
    assert wait <= 5.0
    world.advance(3600.0)
    desk.tick()
    assert desk.manager.said("status")[-1] == "Idle; 1 searchable"


def test_a_hung_folder_is_no_reason_for_a_restart(world, desk):
    world.lanes.held.add("folder drop")
    world.run_until_idle()
    assert desk.alive_within(3600.0) >= 119
    world.lanes.held.clear()


@pytest.mark.parametrize("how", ["dead", "asking", "answer"])
def test_a_worker_that_does_not_come_to_an_end_is_left_to_the_watchdog(world, desk, how):
    world.errors_expected = True
    world.run_until_idle()
    desk.tick()
    if how == "dead":
        desk.dead = "upload"
    elif how == "asking":
        desk.asking = world.now().mono
        world.advance(QUESTION_S + 1)
    else:
        _await_an_answer(world)
        assert desk.alive_within(WATCHDOG)
        world.elapsed += world.settings.upload.answer_timeout + 121
    desk.alive_within(WATCHDOG)
    assert desk.alive_within(600.0) == 0
    (told,) = world.events.named("worker.stuck")
    assert told["detail"]
    world.daemon.flights._flights.clear()


@pytest.mark.parametrize("listens", [True, False])
def test_without_a_watchdog_a_dead_worker_is_known_all_the_same(world, desk, listens):
    world.errors_expected = True
    desk.manager.listens, desk.manager.watchdog = listens, None
    world.run_until_idle()
    assert desk.alive_within(300.0) == 0
    assert desk.desk.stuck == ""
    desk.dead = "upload"
    desk.alive_within(120.0)
    assert desk.desk.stuck == "The worker upload has died."
    desk.dead = ""
    desk.alive_within(120.0)
    assert desk.desk.stuck == ""


def _await_an_answer(world: World) -> None:
    """A flight that is sent whole and hears nothing."""
    world.put("a.mp4")
    world.until(lambda: any(lane == "upload" for lane, *_ in world.lanes.waiting))
    world.lanes.held.add("upload")
    world.run_until_idle()
    if not world.daemon.flights.under_way:  # that was the question before it
        world.lanes.held.clear()
        world.until(lambda: world.daemon.flights.under_way)
        world.lanes.held.add("upload")
    (flight,) = world.daemon.flights.under_way
    flight.progress.phase = "awaiting_answer"


def test_questions_that_are_answered_one_after_the_other_are_progress(world, desk):
    world.run_until_idle()
    desk.asking = world.now().mono  # a page walk of an hour, in one job
    for _ in range(60):
        desk.last_read = world.now().mono
        assert desk.alive_within(60.0) >= 1


def test_stopping_asks_for_the_time_that_the_grace_gives(world, desk):
    world.run_until_idle()
    now = world.now()
    desk.desk.stopping(now, now.mono + 600.0)
    desk.desk.finishing(replace(now, mono=now.mono + 2.0), 598.0)  # too soon to repeat it
    desk.desk.finishing(replace(now, mono=now.mono + 6.0), 594.0)
    assert desk.manager.said("stopping") == ["Stopping: nothing is under way"]
    assert desk.manager.said("extend") == [620.0, 614.0]


def test_a_closed_gate_and_a_refused_configuration_are_in_the_line(world, desk):
    world.run_until_idle()
    world.daemon.keeper.hold(GateName.PAUSED, None)
    world.daemon.config_read("c.yaml:3 it is wrong.")
    desk.tick()
    assert desk.manager.said("ready") == [
        (
            "Waiting: Paused by hand. Go on with: ingestd resume; "
            "needs you: the changed configuration is refused"
        )
    ]
    assert world.snapshot()["config_refused"]["detail"] == "c.yaml:3 it is wrong."
    world.daemon.config_read("")
    assert world.snapshot()["config_refused"] is None


# --- the line -------------------------------------------------------------------------------------

NONE = Standing(uploads=(), counts=dict.fromkeys(State, 0), settling=0, gates=(), folders=())


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "Idle"),
        ({"counts": {State.PARSED: 212}}, "Idle; 212 searchable"),
        (
            {
                "uploads": (Going("A.MP4", 73, 100, awaiting=False), Going("B.MP4", 1, 2, False)),
                "counts": {State.QUEUED: 207, State.INDEXING: 31, State.PARSED: 9},
                "settling": 2,
            },
            (
                "Uploading A.MP4 (73 %) and 1 more; 207 in line, 31 being indexed, 2 settling, "
                "9 searchable"
            ),
        ),
        (
            {"uploads": (Going("A.MP4", 100, 100, awaiting=True),)},
            "Uploading A.MP4 (sent, waiting for the answer)",
        ),
        (
            {"gates": ("Credits used up.",), "counts": {State.QUEUED: 3}},
            "Waiting: Credits used up; 3 in line",
        ),
        (
            {"folders": (("nas", "missing"),), "counts": {State.HELD: 40, State.FAILED: 1}},
            "Idle; needs you: folder nas is missing, 40 held, 1 failed",
        ),
        (
            {"counts": {State.CONFIRMING: 1}},
            "Asking memories.ai for an upload whose answer was lost; 1 being looked for",
        ),
    ],
)
def test_the_line_says_what_goes_on_what_waits_and_what_needs_you(changes, line):
    counts = {**NONE.counts, **changes.pop("counts", {})}
    assert status_line(replace(NONE, counts=counts, **changes)) == line
