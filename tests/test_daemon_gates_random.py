"""Any mixture of account troubles, restarts and wishes: the budget holds and all goes on (R7)."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from fake_farside import CUT, DEAD, LOST, LOST_BUT_STORED, TAKEN, Fate, refused
from ingestd import localtime
from ingestd.config import BandwidthStep
from ingestd.model import GateName, Reason, State
from ingestd.remote.contract import Refusal, Trouble
from world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestd.remote.contract import Upload

HOUR, DAY = 3600.0, 86_400.0
CLIP_S = 1.5  # how long every clip plays
ROUNDS = 20
TROUBLES = [refused("429"), refused("402"), refused("403"), CUT, DEAD, LOST, LOST_BUT_STORED]
READS = [
    Trouble(Refusal.RATE, "slow"),
    Trouble(Refusal.UNREACHABLE, "no"),
    Trouble(Refusal.AUTH, ""),
]


@pytest.fixture(params=range(6))
def chance(request, monkeypatch) -> Iterator[random.Random]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield random.Random(request.param)
    monkeypatch.undo()
    time.tzset()


class Account:
    """A far side with a queue of its own size and bad moments."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.cap, self.bad = chance.choice([2, 5, 1000]), 0.3
        world.far.index_s = chance.choice([60.0, 1800.0])
        world.far.judge = self.judge

    def judge(self, _upload: Upload) -> Fate:
        now = self.world.far.clock()
        if self.chance.random() < self.bad:
            return self.chance.choice(TROUBLES)
        queue = [row for row in self.world.far.library if row.indexed_at > now]
        return refused("429") if len(queue) >= self.cap else TAKEN


def live_through(world: World, chance: random.Random, number: int) -> None:
    """Something happens; then some time passes."""
    for clip in range(chance.randrange(3)):
        world.put(f"{number} {clip}.mp4", salt=f"{number} {clip}" * chance.randrange(1, 9))
    match chance.randrange(8):
        case 0:
            world.restart()
        case 1:
            world.wish("pause", until=world.now().wall + 600)
        case 2:
            world.wish("resume")
        case 3:
            world.far.fail_reads(*[chance.choice(READS)] * chance.randrange(3))
        case 4:
            world.restart(**world.section("upload", concurrency=chance.choice([1, 2, 5])))
        case _:
            pass
    world.advance(chance.choice([1.0, 60.0, HOUR, 6 * HOUR]))


def clips_by_day(world: World) -> Counter[str]:
    return Counter(localtime.day(row.video.create_time) for row in world.far.library)


def test_the_budget_is_never_overrun_and_nothing_is_stuck(tmp_path: Path, chance: random.Random):
    clips_a_day = chance.choice([3, 10, 1000])
    with World(tmp_path, poll=6 * HOUR) as world:
        window = (BandwidthStep(8 * 60, 0), BandwidthStep(12 * 60, None))
        world.restart(
            **world.section("budget", minutes_per_day=clips_a_day * CLIP_S / 60),
            **world.section(
                "upload",
                per_minute=chance.choice([None, 1.0]),
                bandwidth=chance.choice([(), window]),
            ),
        )
        account = Account(world, chance)
        for number in range(ROUNDS):
            live_through(world, chance, number)
        account.bad, account.cap = 0.0, 1000
        world.far.read_troubles.clear()
        world.wish("resume")
        world.advance(2 * DAY)
        world.wish("resume")
        rest = world.journal.counts()[State.QUEUED]
        world.advance((rest / clips_a_day + 2) * DAY)

        assert max(clips_by_day(world).values()) <= clips_a_day
        left = [row for row in world.rows() if row.state is not State.PARSED]
        assert all(row.reason is Reason.UNCONFIRMED for row in left), left
        assert {gate.name for gate in world.daemon.keeper.closed} <= {GateName.BANDWIDTH_WINDOW}
        assert world.far.paid_twice == []
