"""A journal that cannot make anybody pay twice: the mirror, at every moment that power may fail."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST_BUT_STORED, TAKEN, Fate, answer, refused
from ingestd.daemon.assurance import mirrorcheck
from ingestd.mirror import Ended, Intent, Paid, Result, Skipped, read
from ingestd.model import GateName, State
from world import PowerCut, worlds

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.journal import Journal
    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def mirror(world: World) -> Path:
    return (world.settings.mirror_dir or world.state_dir) / "paid.log"


def kinds(world: World) -> list[str]:
    return [type(fact).__name__ for fact in read(mirror(world))]


def paid(world: World, *names: str) -> None:
    paths = [world.put(name) for name in names]
    world.until(lambda: {world.state(path) for path in paths} == {State.PARSED})


# --- what is written, and when --------------------------------------------------------------------


def test_the_intent_is_there_before_the_mark_and_the_result_before_the_loop_hears_it(world: World):
    path = world.put("a.mp4")
    seen: list[tuple[list[str], list[float | None]]] = []

    def look(_fd: int) -> None:
        if world.row(path):
            seen.append((kinds(world), [send.marked_at for send in world.sends(path)]))

    world.on_sync = look
    world.until(lambda: world.state(path) is State.INDEXING)
    written = [(facts, marks[0]) for facts, marks in seen if marks]
    assert [facts for facts, _ in written] == [["Intent"], ["Intent", "Result"]]
    assert written[0][1] is None
    assert written[1][1] is not None
    intent, result = read(mirror(world))
    row, send = world.row(path), world.sends(path)[0]
    assert isinstance(intent, Intent)
    assert isinstance(result, Result)
    assert (intent.name, intent.size, intent.sample, intent.content_hash, intent.scope) == (
        row.upload_name,
        row.stat.size,
        row.fingerprint,
        row.content_hash,
        row.scope,
    )
    assert (intent.path, intent.mtime_ns) == (row.path, row.stat.mtime_ns)
    assert (intent.at, intent.watermark, intent.key) == (send.at, send.watermark, send.key)
    assert result.video_no == row.video_no


@pytest.mark.parametrize(
    ("fate", "written"),
    [
        (TAKEN, ["Intent", "Result"]),
        (refused("402"), ["Intent", "Ended", "Intent", "Result"]),
        (LOST_BUT_STORED, ["Intent", "Result"]),  # the second one by the look that found it
    ],
)
def test_each_attempt_gets_its_end(world: World, fate, written):
    world.far.plan(fate)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.PARSED, limit=20_000)
    assert kinds(world) == written


def test_what_was_never_marked_leaves_nothing_that_was_paid(world: World):
    """The mark is refused: the attempt ends before its last byte, and the mirror says so."""
    path = world.put("a.mp4")
    grant = world.daemon.flights.marks._grant
    world.daemon.flights.marks._grant = lambda *_: False
    world.until(lambda: world.outcomes(path) == ["not_sent"] if world.row(path) else False)
    world.daemon.flights.marks._grant = grant
    world.until(lambda: world.state(path) is State.INDEXING)
    facts = list(read(mirror(world)))
    assert [type(fact).__name__ for fact in facts] == ["Intent", "Ended", "Intent", "Result"]
    assert isinstance(facts[1], Ended)
    assert facts[1].outcome == "not_sent"


def test_forgetting_keeps_the_fact(world: World):
    paid(world, "a.mp4")
    before = mirror(world).read_bytes()
    world.wish("forget", ids=[1])
    assert mirror(world).read_bytes() == before


def test_a_video_that_was_there_already_is_written_too(world: World):
    paid(world, "a.mp4")
    world._stop()
    shutil.rmtree(world.state_dir)
    world._start()
    path = world.drop / "a.mp4"
    world.until(lambda: world.state(path) is State.PARSED)
    (fact,) = read(mirror(world))
    assert isinstance(fact, Paid)
    assert (fact.video_no, fact.path) == (world.row(path).video_no, str(path))


# --- power cuts ----------------------------------------------------------------------------------


class Power:
    """Fails at the nth time that something is made durable, by mirror or journal."""

    def __init__(self, world: World, fails_at: int, *, before: bool) -> None:
        self.world, self.left, self.before = world, fails_at, before
        self.happened = False
        world.on_sync = lambda _fd: self.at(lambda: None)
        world.on_journal = self.wired

    def at(self, act):
        self.left -= 1
        if self.left == 0 and self.before:
            self.cut()
        result = act()
        if self.left == 0:
            self.cut()
        return result

    def cut(self):
        self.happened = True
        raise PowerCut

    def wired(self, journal: Journal) -> Journal:
        commit = journal._db.rows

        def rows(sql, values=()):
            return self.at(lambda: commit(sql, values)) if sql == "COMMIT" else commit(sql, values)

        journal._db.rows = rows
        return journal


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_power_cut_at_every_durable_step_pays_once_and_loses_nothing(tmp_path: Path, before):
    """The clip's whole life, cut at each fsync of the mirror and each commit of the journal."""
    for fails_at in range(1, 200):
        place = tmp_path / str(fails_at)
        place.mkdir()
        for world in worlds(place):
            power = Power(world, fails_at, before=before)
            path = world.put("a.mp4")
            try:
                world.restart()
                world.advance(300)
            except PowerCut:
                world.restart()
            # what arrived is known without waiting for confirm_for, which is an hour
            limit = 900 if world.far.library or not world.far.attempts else 9000
            world.until(
                lambda world=world, path=path: world.state(path) is State.PARSED, limit=limit
            )
            assert len(world.far.library) == 1, fails_at
            assert len(world.bodies()) in (1, 2), fails_at
        if not power.happened:
            break
        shutil.rmtree(place)
    assert 15 < fails_at < 199, "the cuts did not reach the end of the clip's life"


def test_an_answer_that_only_the_mirror_has_is_adopted_at_the_next_start(world: World):
    """A crash between the result in the mirror and the loop's record; nobody is asked."""
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    before = len(world.far.attempts)
    while len(world.far.attempts) == before:
        world.step()
        world.lanes.run()
    assert kinds(world) == ["Intent", "Result"]
    world.far.down = True
    world.restart()
    world.advance(5)
    assert world.state(path) is State.INDEXING
    assert world.way(path) == ["queued", "uploading", "confirming", "indexing"]
    assert world.outcomes(path) == ["found"]
    world.far.down = False
    world.advance(600)
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 1
    usage = world.journal.usage("0000")
    assert sum(day.uploads for day in usage) == 1


# --- a disk that is full, or not there ------------------------------------------------------------


def test_no_last_byte_goes_out_without_its_intent(world: World):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    world.advance(5)

    def fail(_fd):
        raise full

    world.on_sync = fail
    path = world.put("a.mp4")
    world.advance(120)
    assert world.bodies() == []
    assert world.gate(GateName.DISK_FULL) is not None
    assert world.row(path).attempts == 0
    world.on_sync = lambda _fd: None
    world.advance(1300)
    assert world.state(path) is State.PARSED
    assert world.gate(GateName.DISK_FULL) is None
    assert len(world.bodies()) == 1


def test_on_a_full_disk_the_reserve_makes_room_for_the_result(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    reserve = world.state_dir / "reserve"
    calls = []

    def fail_while_reserved(_fd):
        calls.append(kinds(world))
        if calls[-1][-1:] == ["Result"] and reserve.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    world.on_sync = fail_while_reserved
    world.until(lambda: world.state(path) is State.INDEXING)
    assert "Result" in kinds(world)
    world.restart()
    assert world.state(path) is State.INDEXING
    world.advance(5)
    assert world.gate(GateName.JOURNAL) is None


def test_the_gate_of_a_full_disk_opens_only_when_the_reserve_fits_again(world: World, monkeypatch):
    world.advance(5)
    world.daemon.keeper.disk_full("a test")
    room = [False]
    monkeypatch.setattr("ingestd.mirror.reserve.Reserve.make", lambda _self: room[0])
    path = world.put("a.mp4")
    world.advance(3600)
    assert world.gate(GateName.DISK_FULL) is not None
    assert world.bodies() == []
    room[0] = True
    world.advance(700)
    assert world.gate(GateName.DISK_FULL) is None
    assert world.state(path) is State.PARSED


def test_a_disk_without_room_for_the_reserve_sends_nothing_from_the_start(
    world: World, monkeypatch
):
    monkeypatch.setattr("ingestd.mirror.reserve.Reserve.make", lambda _self: False)
    world.restart()
    world.put("a.mp4")
    world.advance(120)
    assert world.gate(GateName.DISK_FULL) is not None
    assert world.bodies() == []


def backup(world: World) -> Path:
    place = world.place / "backup"
    place.mkdir(exist_ok=True)
    world.restart(mirror_dir=place)
    world.advance(1)
    return place


def test_a_mirror_elsewhere_holds_what_was_paid_before_it_began(world: World):
    paid(world, "a.mp4", "b.mp4")
    place = backup(world)
    assert {fact.path for fact in read(place / "paid.log")} == {
        str(world.drop / "a.mp4"),
        str(world.drop / "b.mp4"),
    }
    paid(world, "c.mp4")
    assert kinds(world) == ["Paid", "Paid", "Intent", "Result"]


def test_what_was_paid_and_then_skipped_is_in_a_mirror_that_begins_later(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(indexed_as="FAIL"))
    world.until(lambda: world.state(path) is State.FAILED)
    world.wish("skip", ids=[world.row(path).id])
    assert world.state(path) is State.SKIPPED
    backup(world)
    assert kinds(world) == ["Paid"]


def test_what_a_person_skipped_is_kept_too_until_it_is_approved(world: World):
    world.wish("pause")
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.wish("skip", ids=[world.row(path).id])
    (fact,) = read(mirror(world))
    assert isinstance(fact, Skipped)
    assert (fact.path, fact.wanted) == (str(path), False)
    place = backup(world)
    assert [(one.path, one.wanted) for one in read(place / "paid.log")] == [(str(path), False)]
    world.wish("approve", ids=[world.row(path).id])
    assert [one.wanted for one in read(place / "paid.log")] == [False, True]


def test_a_skip_whose_file_gave_its_path_to_another_one_stops_nothing_after_a_crash(world: World):
    world.wish("pause")
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.wish("skip", ids=[world.row(path).id])
    path.unlink()
    world.until(lambda: world.state(path) is State.GONE)
    world.put("a.mp4", salt="another one")
    world.wish("resume")
    world.until(lambda: len(world.rows(path)) == 1 and world.state(path) is State.PARSED)
    world.restart()
    world.advance(60)
    assert world.gate(GateName.JOURNAL) is None


@pytest.mark.parametrize("when", ["running", "at the start"])
def test_an_unmounted_mirror_pauses_uploads_and_is_not_written_below_the_mount_point(
    world: World, when: str
):
    place = backup(world)
    paid(world, "a.mp4")
    place.rename(world.place / "unmounted")
    place.mkdir()  # the empty mount point
    if when == "at the start":
        world.restart()
    path = world.put("b.mp4")
    world.advance(300)
    gate = world.gate(GateName.JOURNAL)
    assert gate is not None
    assert "Is its disk mounted?" in gate.detail
    assert len(world.bodies()) == 1
    assert list(place.iterdir()) == []
    place.rmdir()
    (world.place / "unmounted").rename(place)
    world.advance(300)
    assert world.gate(GateName.JOURNAL) is None
    assert world.state(path) is State.PARSED


def test_a_result_that_could_not_be_mirrored_is_mirrored_later(world: World):
    place = backup(world)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    real = world.daemon.flights.marks._grant

    def grant(*args):
        place.rename(world.place / "unmounted")
        return real(*args)

    world.daemon.flights.marks._grant = grant
    world.until(lambda: world.state(path) is State.INDEXING)
    world.daemon.flights.marks._grant = real
    assert list(read(world.place / "unmounted" / "paid.log"))[-1].name
    (world.place / "unmounted").rename(place)
    world.advance(120)
    assert "Paid" in kinds(world)
    assert world.gate(GateName.JOURNAL) is None


def test_a_mirror_on_another_disk_can_be_changed_while_running(world: World):
    paid(world, "a.mp4")
    place = world.place / "other"
    place.mkdir()
    world.reload(mirror_dir=place)
    world.advance(5)
    assert kinds(world) == ["Paid"]
    paid(world, "b.mp4")
    assert kinds(world) == ["Paid", "Intent", "Result"]


# --- a journal that is older than its mirror ------------------------------------------------------


def keep(world: World) -> Path:
    """Copy the journal as a backup would, while nothing runs."""
    world._stop()
    kept = world.place / "kept"
    kept.mkdir()
    for one in world.state_dir.glob("journal.db*"):
        shutil.copy(one, kept)
    world._start()
    return kept


def put_back(world: World, kept: Path) -> None:
    world._stop()
    for one in world.state_dir.glob("journal.db*"):
        one.unlink()
    for one in kept.iterdir():
        shutil.copy(one, world.state_dir)
    world._start()


def test_a_restored_backup_sends_nothing_until_recover(world: World):
    paid(world, "a.mp4")
    kept = keep(world)
    paid(world, "b.mp4", "c.mp4")
    put_back(world, kept)
    world.put("d.mp4")
    world.advance(600)
    gate = world.gate(GateName.JOURNAL)
    assert gate is not None
    assert "2 uploads that were paid" in gate.detail
    assert "ingestd recover" in gate.detail
    assert len(world.bodies()) == 3
    assert world.state(world.drop / "a.mp4") is State.PARSED
    world.wish("resume", foreign_ok=True, new_account=True)
    world.restart()
    world.advance(600)
    assert world.gate(GateName.JOURNAL) is not None, "no word opens it but recover"
    assert len(world.bodies()) == 3


def test_a_journal_that_was_deleted_sends_nothing_until_recover(world: World):
    paid(world, "a.mp4")
    world._stop()
    for one in world.state_dir.glob("journal.db*"):
        one.unlink()
    world._start()
    world.advance(600)
    assert "1 upload that was paid" in world.gate(GateName.JOURNAL).detail
    assert len(world.bodies()) == 1


def test_an_attempt_without_an_outcome_is_money_too(world: World):
    paid(world, "a.mp4")
    kept = keep(world)
    world.far.plan(LOST_BUT_STORED)
    path = world.put("b.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    put_back(world, kept)
    world.advance(60)
    assert "1 whose answer is not known" in world.gate(GateName.JOURNAL).detail


def test_an_orderly_stop_makes_the_next_start_read_nothing_again(world: World, monkeypatch):
    paid(world, "a.mp4")
    world.daemon.begin_stop()
    world.daemon.abandon(world.now())
    starts = []
    real = mirrorcheck.Reading

    def reading(path, start):
        starts.append(start)
        return real(path, start)

    monkeypatch.setattr(mirrorcheck, "Reading", reading)
    world.restart()
    world.advance(1)
    assert starts == [mirror(world).stat().st_size]


def test_the_mirror_never_holds_the_key(world: World):
    world.reload()
    paid(world, "a.mp4")
    assert b"sk-mavi" not in mirror(world).read_bytes()


def test_an_answer_that_nobody_understands_stays_open_in_the_mirror(world: World):
    world.far.plan(LOST_BUT_STORED.__class__(answer("1"), stored=True, visible_after=1e9))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    assert kinds(world) == ["Intent"]
