"""What every end of an attempt makes of its row (rules R1), and what is asked before it (R2)."""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING

import pytest

from fake_farside import CUT, DEAD, LOST, LOST_BUT_STORED, TAKEN, Fate, answer, refused
from ingestd import clips
from ingestd.filestat import FdSource
from ingestd.fingerprint import sampled
from ingestd.journal import DiskFullError
from ingestd.model import GateName, Reason, State
from ingestd.naming import stem_of, upload_name
from ingestd.remote.envelope import Answer, Envelope
from world import CLIP, START, slow_worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


def after_one(world: World, fate: Fate) -> Path:
    """Plan what becomes of a file's first attempt, and stop right after that."""
    path = world.put("a.mp4")
    world.far.plan(fate)
    world.until(lambda: any(world.outcomes(path)) if world.row(path) else False)
    return path


TABLE = {
    "taken": (TAKEN, State.INDEXING, None, "accepted", 0, None),
    "0429": (refused("429"), State.QUEUED, None, "refused", 0, GateName.RATE_LIMIT),
    "0402": (refused("402"), State.QUEUED, None, "refused", 0, GateName.CREDITS),
    "0401": (refused("401"), State.QUEUED, None, "refused", 0, GateName.AUTH),
    "9009": (refused("9009"), State.QUEUED, None, "refused", 0, GateName.AUTH),
    "0403": (refused("403"), State.QUEUED, None, "refused", 0, GateName.DISABLED),
    "413": (Fate(answer(http=413)), State.FAILED, Reason.REFUSED, "refused", 1, None),
    "415": (Fate(answer(http=415)), State.FAILED, Reason.REFUSED, "refused", 1, None),
    "nobody there": (DEAD, State.QUEUED, None, "not_sent", 1, None),
    "cut midway": (CUT, State.QUEUED, None, "not_sent", 1, None),
    "early 0001": (Fate(answer("1"), early=True), State.QUEUED, None, "refused", 1, None),
    "early 502": (Fate(answer(http=502), early=True), State.QUEUED, None, "not_sent", 1, None),
    "0001": (refused("1"), State.CONFIRMING, None, "unknown", 1, None),
    "0409": (refused("409"), State.CONFIRMING, None, "unknown", 1, None),
    "400": (Fate(answer(http=400)), State.CONFIRMING, None, "unknown", 1, None),
    "502": (Fate(answer(http=502)), State.CONFIRMING, None, "unknown", 1, None),
    "302": (Fate(answer(http=302)), State.CONFIRMING, None, "unknown", 1, None),
    "0000 without a number": (refused("0"), State.CONFIRMING, None, "unknown", 1, None),
    "lost": (LOST, State.CONFIRMING, None, "unknown", 1, None),
    "lost but stored": (LOST_BUT_STORED, State.CONFIRMING, None, "unknown", 1, None),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_end_of_an_attempt_decides(world: World, name: str):
    fate, state, reason, outcome, attempts, gate = TABLE[name]
    path = after_one(world, fate)
    row = world.row(path)
    assert (row.state, row.reason, row.attempts) == (state, reason, attempts)
    assert world.outcomes(path) == [outcome]
    assert [one.name for one in world.daemon.keeper.closed] == ([gate] if gate else [])
    if state is State.QUEUED:
        assert row.next_attempt_at == world.now().wall + (5.0 * attempts)
    if state is State.FAILED:
        assert row.next_attempt_at is None
        assert "othing was billed" in row.detail


@pytest.mark.parametrize("name", [name for name in TABLE if name not in ("413", "415")])
def test_whatever_happened_the_clip_is_searchable_and_paid_once_in_the_end(world: World, name: str):
    world.put("before.mp4")
    world.advance(200)
    path = after_one(world, TABLE[name][0])
    world.advance(4 * 3600)
    world.wish("resume")
    world.advance(4 * 3600)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == 2


def test_attempts_that_fail_for_no_known_reason_come_to_an_end(world: World):
    world.restart(**world.section("upload", max_attempts=3, retry_min=5.0, retry_max=10.0))
    path = world.put("a.mp4")
    early = Fate(answer("1"), early=True)
    world.far.plan(early, early, early)
    world.advance(600)
    row = world.row(path)
    assert (row.state, row.reason, row.attempts) == (
        State.FAILED,
        Reason.ATTEMPTS_EXHAUSTED,
        3,
    )
    assert f"ingestd retry {row.id}" in row.detail
    starts = [attempt.at - START for attempt in world.far.attempts]
    assert starts == [10.0, 15.0, 25.0]


def test_the_delay_between_attempts_grows_to_its_largest(world: World):
    world.restart(**world.section("upload", retry_min=5.0, retry_max=40.0))
    world.put("a.mp4")
    world.far.plan(*[Fate(answer("1"), early=True)] * 6)
    world.advance(600)
    starts = [attempt.at for attempt in world.far.attempts]
    gaps = [late - early for early, late in itertools.pairwise(starts)]
    assert gaps == [5.0, 10.0, 20.0, 40.0, 40.0, 40.0]


# --- our own side -------------------------------------------------------------------------------


def test_a_file_that_vanishes_just_before_it_is_opened_burns_no_attempt(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.UPLOADING)
    path.unlink()
    world.run_until_idle()
    row = world.row(path)
    assert (row.state, row.attempts) == (State.QUEUED, 0)
    assert world.outcomes(path) == ["not_sent"]
    world.advance(4000)
    assert world.state(path) is State.GONE


def test_a_file_that_cannot_be_opened_for_sending_is_later_again(world: World, monkeypatch):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    real = os.open

    def failing(name, flags, *args, **more):
        if name == "a.mp4":
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(name, flags, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", failing)
        world.advance(3600)
    row = world.row(path)
    assert (row.state, row.attempts) == (State.QUEUED, 0)
    assert set(world.outcomes(path)) == {"not_sent"}
    world.advance(1200)
    assert world.state(path) is State.PARSED


def test_without_room_for_the_mark_the_last_byte_stays_here(world: World, monkeypatch):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.UPLOADING)

    def full(*_args: object) -> None:
        raise DiskFullError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(world.journal, "mark_send", full)
        world.run_until_idle()
    assert world.far.library == []
    assert (world.state(path), world.row(path).attempts) == (State.QUEUED, 0)
    assert world.gate(GateName.DISK_FULL) is not None
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert world.gate(GateName.DISK_FULL) is None


def test_a_number_that_another_file_has_is_no_acceptance(world: World):
    first = world.put("first.mp4")
    world.advance(100)
    said = Answer(200, Envelope("0", "", {"videoNo": world.row(first).video_no}, success=True))
    path = after_one(world, Fate(said))
    assert world.state(path) is State.CONFIRMING
    assert world.state(first) is State.PARSED


def test_an_id_before_the_last_byte_is_an_acceptance(world: World):
    number = world.far.put("whatever", 1)
    said = Answer(200, Envelope("0", "", {"videoNo": number}, success=True))
    path = after_one(world, Fate(said, early=True))
    row = world.row(path)
    assert (row.state, row.video_no) == (State.INDEXING, number)
    assert world.sends(path)[0].marked_at is None
    world.advance(100)
    assert world.state(path) is State.PARSED


def test_what_was_paid_is_counted(world: World):
    world.put("a.mp4")
    world.put("b.mp4")
    world.far.plan(TAKEN, LOST_BUT_STORED)
    world.advance(300)
    (day,) = world.journal.usage("2000-01-01")
    sizes = sum(row.stat.size for row in world.rows())
    assert (day.uploads, day.bytes) == (2, sizes)
    assert day.seconds > 0


# --- before an attempt --------------------------------------------------------------------------


def ours(path: Path) -> tuple[str, int]:
    """Name and size under which the far side would show this file."""
    with path.open("rb") as file:
        fingerprint = sampled(FdSource(file.fileno()))
    return stem_of(upload_name(str(path), fingerprint, token=True)), path.stat().st_size


def test_what_the_far_side_has_already_is_adopted_and_not_paid(world: World):
    path = world.put("a.mp4")
    number = world.far.put(*ours(path))
    world.advance(200)
    row = world.row(path)
    assert (row.state, row.video_no) == (State.PARSED, number)
    assert world.far.attempts == []
    assert world.sends(path) == ()


def test_a_name_alone_is_no_proof(world: World):
    path = world.put("a.mp4")
    name, size = ours(path)
    world.far.put(name, size + 1)
    world.advance(200)
    assert len(world.bodies()) == 1
    assert world.state(path) is State.PARSED


def test_a_size_alone_is_no_proof(world: World):
    path = world.put("a.mp4")
    world.far.put("A001", path.stat().st_size)
    world.advance(200)
    assert len(world.bodies()) == 1


def test_a_name_without_token_is_never_adopted(world: World):
    world.restart(**world.section("upload", name_token=False))
    path = world.put("a.mp4")
    world.far.put("a", path.stat().st_size)
    world.advance(200)
    assert len(world.bodies()) == 1


def named(world: World) -> list[str]:
    """The questions for a name."""
    return [call for call in world.far.reads if "name=None" not in call and "list" in call]


def test_a_small_file_is_asked_for_only_while_the_journal_is_young(world: World):
    world.put("a.mp4")
    world.advance(30)
    assert len(named(world)) == 1
    world.fill()
    world.put("b.mp4")
    world.advance(30)
    assert len(named(world)) == 1


def test_a_file_of_8_mib_is_always_asked_for(world: World):
    world.fill()
    (world.drop / "a.mp4").write_bytes(clips.unique(CLIP, bytes(8 << 20)))
    world.advance(30)
    assert len(named(world)) == 1


def test_a_second_attempt_is_always_asked_for(world: World):
    world.fill()
    world.put("a.mp4")
    world.far.plan(CUT)
    world.advance(60)
    assert len(world.far.attempts) == 2
    assert len(named(world)) == 1


def test_the_newest_row_is_not_asked_for_before_every_file(world: World):
    world.fill()
    for number in range(10):
        world.put(f"{number}.mp4")
    world.advance(40)
    newest = [call for call in world.far.reads if "name=None" in call and "nos=0" in call]
    assert len(world.bodies()) == 10
    assert len(newest) <= 2  # two may ask at once


def test_a_file_that_was_replaced_while_the_far_side_was_asked_is_not_sent(world: World):
    path = world.put("a.mp4")
    world.until(lambda: len(world.daemon.flights) == 1)
    world.lanes.held.add("upload")
    world.put("a.mp4", salt="another")
    world.advance(60)
    world.lanes.held.clear()
    world.advance(200)
    assert [row.state for row in world.rows(path)] == [State.GONE, State.PARSED]
    assert len(world.bodies()) == 1
